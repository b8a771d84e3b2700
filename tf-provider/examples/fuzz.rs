//! `cargo run -p tf-provider --example fuzz -- INPUTS [SEED]`: random and structured inputs through both decoders.
//!
//! Each input is a good message that must come back, random bytes, a message of another type, or a broken one. What a decoder
//! accepts must be written and read back as the same. Prints counts and rate; exits with 1 and the input's seed at the first panic.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout, clippy::print_stderr, unreachable_pub)]

#[path = "../tests/arbitrary/mod.rs"]
mod arbitrary;

use std::{collections::BTreeMap, panic::catch_unwind, process::ExitCode, time::Instant};

use arbitrary::{Entropy, Outcome};

/// Bytes that one input is made of.
const ENTROPY_BYTES: usize = 512;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Ok(inputs), Ok(seed)) = (arguments.next().unwrap_or(Ok(1_000_000)), arguments.next().unwrap_or(Ok(0))) else {
        eprintln!("usage: fuzz [INPUTS [SEED]], both whole numbers");
        return ExitCode::from(2);
    };
    let started = Instant::now();
    let mut counts = [("msgpack", BTreeMap::new()), ("json", BTreeMap::new())];
    for input in seed..seed.saturating_add(inputs) {
        let bytes = bytes_of(input);
        let Ok(outcomes) = catch_unwind(|| arbitrary::run(&mut Entropy(&bytes))) else {
            eprintln!("input {input} panicked; once more alone: fuzz 1 {input}");
            return ExitCode::FAILURE;
        };
        for ((_, counts), outcome) in counts.iter_mut().zip(outcomes) {
            *counts.entry(outcome).or_insert(0_u64) += 1;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    for (codec, counts) in &counts {
        let count = |outcome| counts.get(&outcome).copied().unwrap_or(0);
        let [good, accepted, refused] = [Outcome::RoundTrip, Outcome::Accepted, Outcome::Refused].map(count);
        println!("{codec}: {good} round trips, {accepted} broken messages accepted, {refused} refused, 0 panics");
    }
    println!(
        "{inputs} inputs through 2 decoders in {seconds:.1} s: {:.0} inputs/s",
        f64::from(u32::try_from(inputs).unwrap_or(u32::MAX)) / seconds
    );
    ExitCode::SUCCESS
}

/// SplitMix64 (Steele, Lea, Flood 2014): every input is reproducible from its number.
fn bytes_of(input: u64) -> Vec<u8> {
    let mut state = input.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31).to_be_bytes()
    };
    std::iter::repeat_with(next).take(ENTROPY_BYTES / 8).flatten().collect()
}
