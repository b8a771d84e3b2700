//! JSON as CBOR (RFC 8949) and back, as far as the SDK's RPC v2 CBOR needs it.

use serde_json::{Map, Value as Json, json};

/// A value's bytes: arrays and maps of definite length, numbers as integers or as 64-bit floats.
pub(super) fn encode(value: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Json, out: &mut Vec<u8>) {
    match value {
        Json::Null => out.push(0xf6),
        Json::Bool(flag) => out.push(0xf4 + u8::from(*flag)),
        Json::Number(number) => match number.as_u64() {
            Some(whole) => head(0, whole, out),
            None => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap().to_be_bytes());
            }
        },
        Json::String(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Json::Array(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| write(item, out));
        }
        Json::Object(fields) => {
            head(5, fields.len() as u64, out);
            for (name, field) in fields {
                write(&json!(name), out);
                write(field, out);
            }
        }
    }
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    match u8::try_from(argument) {
        Ok(small) if small < 24 => out.push(major << 5 | small),
        _ => {
            out.push(major << 5 | 27);
            out.extend(argument.to_be_bytes());
        }
    }
}

/// The value that the bytes hold.
pub(super) fn decode(bytes: &[u8]) -> Json {
    let mut rest = bytes;
    read(&mut rest).unwrap_or(Json::Null)
}

/// The next value; `None` at the end of an array or map of indefinite length.
fn read(rest: &mut &[u8]) -> Option<Json> {
    const BREAK: u8 = 0xff;
    let first = take(rest, 1)[0];
    if first == BREAK {
        return None;
    }
    let (major, info) = (first >> 5, first & 31);
    let argument = match info {
        0..=23 => Some(u64::from(info)),
        24..=27 => Some(take(rest, 1 << (info - 24)).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))),
        _ => None,
    };
    let mut items = |most: u64| (0..most).map_while(|_| read(rest)).collect::<Vec<_>>();
    Some(match major {
        0 => json!(argument.unwrap()),
        3 => json!(String::from_utf8(take(rest, usize::try_from(argument.unwrap()).unwrap()).to_vec()).unwrap()),
        4 => Json::Array(items(argument.unwrap_or(u64::MAX))),
        5 => {
            let flat = items(argument.map_or(u64::MAX, |pairs| pairs * 2));
            let pairs = flat.chunks(2).map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()));
            Json::Object(pairs.collect::<Map<_, _>>())
        }
        7 => match info {
            20 | 21 => json!(info == 21),
            26 => json!(f64::from(f32::from_bits(u32::try_from(argument.unwrap()).unwrap()))),
            27 => json!(f64::from_bits(argument.unwrap())),
            _ => Json::Null,
        },
        _ => panic!("CBOR of major type {major} is not read"),
    })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}
