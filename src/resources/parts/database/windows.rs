//! RDS's two windows, UTC.

use std::ops::Range;

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// AWS's shortest window, minutes.
const SHORTEST: u32 = 30;

/// Minutes of a day of `hh:mm`.
fn time(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str, end: u32| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
            .filter(|number| *number < end)
    };
    Some(two(hours, 24)? * 60 + two(minutes, 60)?)
}

/// Minutes of a week of `ddd:hh:mm`.
fn day_and_time(text: &str) -> Option<u32> {
    let (day, rest) = text.split_once(':')?;
    let day = DAYS.iter().position(|known| day.eq_ignore_ascii_case(known))?;
    Some(u32::try_from(day).ok()? * DAY + time(rest)?)
}

fn range(text: &str, point: impl Fn(&str) -> Option<u32>, period: u32) -> Option<Range<u32>> {
    let (begin, end) = text.split_once('-')?;
    let (begin, end) = (point(begin)?, point(end)?);
    Some(begin..if end > begin { end } else { end + period })
}

/// `hh:mm-hh:mm` as minutes of a day; its end may lie in the next one.
pub(super) fn backup(text: &str) -> Option<Range<u32>> {
    range(text, time, DAY)
}

/// `ddd:hh:mm-ddd:hh:mm` as minutes of a week; its end may lie in the next one.
pub(super) fn maintenance(text: &str) -> Option<Range<u32>> {
    range(text, day_and_time, WEEK)
}

/// Whether AWS takes a window of this length.
pub(super) fn long_enough(window: &Range<u32>) -> bool {
    window.len() >= usize::try_from(SHORTEST).unwrap_or_default()
}

/// Whether the daily window meets the weekly one on any day.
pub(super) fn overlap(backup: &Range<u32>, maintenance: &Range<u32>) -> bool {
    // A day before and a week after: either may reach over its period's end.
    (0..=8).any(|day| {
        let begin = backup.start + day * DAY;
        let (begin, end) = (begin, begin + (backup.end - backup.start));
        let meets = |window: &Range<u32>| begin < window.end && window.start < end;
        meets(&(maintenance.start + DAY..maintenance.end + DAY)) || meets(maintenance)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for (text, expected) in [
            ("02:00-03:00", Some(120..180)),
            ("23:30-00:30", Some(1410..1470)),
            ("2:00-3:00", None),
            ("24:00-25:00", None),
            ("02:00", None),
            ("sun:02:00-sun:03:00", None),
        ] {
            assert_eq!(backup(text), expected, "{text}");
        }
        for (text, expected) in [
            ("mon:00:00-mon:00:30", Some(0..30)),
            ("Sun:03:30-Sun:04:30", Some(6 * 1440 + 210..6 * 1440 + 270)),
            ("sun:23:45-mon:00:15", Some(10_065..10_095)),
            ("02:00-03:00", None),
            ("xyz:02:00-sun:03:00", None),
        ] {
            assert_eq!(maintenance(text), expected, "{text}");
        }
    }

    #[test]
    fn windows_have_a_length() {
        assert!(long_enough(&backup("02:00-02:30").unwrap()) && !long_enough(&backup("02:00-02:29").unwrap()));
        assert!(!long_enough(&maintenance("sun:23:45-mon:00:00").unwrap()));
    }

    #[test]
    fn a_daily_window_meets_a_weekly_one() {
        for (daily, weekly, expected) in [
            ("02:00-03:00", "sun:03:30-sun:04:30", false),
            ("02:00-03:00", "sun:03:00-sun:04:00", false),
            ("02:00-03:01", "sun:03:00-sun:04:00", true),
            ("02:00-03:00", "wed:02:30-wed:03:30", true),
            ("23:30-00:30", "mon:00:00-mon:01:00", true),
            ("23:30-00:30", "sun:23:00-sun:23:45", true),
            ("00:00-00:30", "sun:23:45-mon:00:15", true),
            ("23:00-23:40", "sun:23:45-mon:00:15", false),
            ("12:00-13:00", "sun:23:45-mon:00:15", false),
        ] {
            assert_eq!(overlap(&backup(daily).unwrap(), &maintenance(weekly).unwrap()), expected, "{daily} {weekly}");
        }
    }
}
