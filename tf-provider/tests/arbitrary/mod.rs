//! Types, values, and broken messages, out of any bytes: the same ones from the property tests (which can shrink bytes) and the fuzzer.

use std::collections::BTreeMap;

use tf_provider::{
    Type, Value,
    codec::{json, msgpack},
};

/// How deep types are made: deep enough for every combination of two collections.
const DEPTH_MAX: usize = 4;

/// Bytes to make things of; zeros at their end, which make the simplest thing of each kind.
pub(crate) struct Entropy<'a>(pub(crate) &'a [u8]);

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % bound.max(1)
    }

    fn long(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }
}

/// Any type; `dynamic` never stands within a collection, as Terraform has it.
pub(crate) fn ty(entropy: &mut Entropy<'_>) -> Type {
    ty_at(entropy, DEPTH_MAX, true)
}

fn ty_at(entropy: &mut Entropy<'_>, depth: usize, dynamic: bool) -> Type {
    let inner = |entropy: &mut Entropy<'_>, dynamic| ty_at(entropy, depth - 1, dynamic);
    match entropy.below(if depth == 0 { 4 } else { 9 }) {
        1 => Type::Number,
        2 => Type::Bool,
        3 if dynamic => Type::Dynamic,
        4 => Type::list(inner(entropy, false)),
        5 => Type::set(inner(entropy, false)),
        6 => Type::map(inner(entropy, false)),
        7 => Type::Tuple((0..entropy.below(4)).map(|_| inner(entropy, dynamic)).collect()),
        8 => Type::Object((0..entropy.below(5)).map(|_| (text(entropy), inner(entropy, dynamic))).collect()),
        _ => Type::String,
    }
}

/// Any value of a type, in the form that decoding gives it.
pub(crate) fn value(entropy: &mut Entropy<'_>, ty: &Type, unknowns: bool) -> Value {
    value_at(entropy, ty, unknowns, DEPTH_MAX).canonical(ty)
}

fn value_at(entropy: &mut Entropy<'_>, ty: &Type, unknowns: bool, depth: usize) -> Value {
    match entropy.below(12) {
        10 => return Value::Null,
        11 if unknowns => return Value::Unknown,
        _ => {}
    }
    let many = entropy.below(4);
    match ty {
        Type::String => Value::String(text(entropy)),
        Type::Bool => Value::Bool(entropy.below(2) == 1),
        Type::Number => number(entropy),
        Type::List(element) | Type::Set(element) => Value::List((0..many).map(|_| value_at(entropy, element, unknowns, depth)).collect()),
        Type::Map(element) => Value::Map((0..many).map(|_| (text(entropy), value_at(entropy, element, unknowns, depth))).collect()),
        Type::Tuple(elements) => Value::List(elements.iter().map(|ty| value_at(entropy, ty, unknowns, depth)).collect()),
        Type::Object(attributes) => {
            let attributes: BTreeMap<_, _> =
                attributes.iter().map(|(name, ty)| (name.clone(), value_at(entropy, ty, unknowns, depth))).collect();
            Value::Map(attributes)
        }
        Type::Dynamic => {
            let ty = ty_at(entropy, depth.min(2), depth > 0);
            let value = value_at(entropy, &ty, unknowns, depth.saturating_sub(1));
            Value::Dynamic(Box::new((ty, value)))
        }
    }
}

fn number(entropy: &mut Entropy<'_>) -> Value {
    let text = match entropy.below(6) {
        0 => entropy.below(300).to_string(),
        1 => i64::from_be_bytes(entropy.long().to_be_bytes()).to_string(),
        2 => format!("{}{}", entropy.long(), entropy.long()),
        3 => format!("-{}.{}", entropy.long(), entropy.long()),
        4 => format!("{}e-{}", entropy.long(), entropy.below(2_000)),
        _ => return tf_provider::Number::from_f64(f64::from_bits(entropy.long())).map_or(Value::Null, Value::Number),
    };
    text.parse().map_or(Value::Null, Value::Number)
}

fn text(entropy: &mut Entropy<'_>) -> String {
    const ALPHABET: [char; 12] = ['a', 'b', '_', '0', '"', '\\', '\n', '\0', 'é', '\u{2028}', '😀', '$'];
    let length = if entropy.below(50) == 49 { 300 } else { entropy.below(6) };
    (0..length).map(|_| ALPHABET[entropy.below(ALPHABET.len())]).collect()
}

/// A message with some of its bytes changed, cut, doubled, or replaced by those that announce lengths and kinds.
pub(crate) fn mutated(entropy: &mut Entropy<'_>, mut message: Vec<u8>) -> Vec<u8> {
    const TELLING: [&[u8]; 14] = [
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xdb, 0x7f, 0xff, 0xff, 0xff],
        &[0xc9, 0, 0, 4, 1, 12],
        &[0xc7, 3, 12, 0x81, 1, 0xc2],
        &[0xd4, 0, 0],
        &[0x92],
        &[0xc1],
        &[0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
        b"1e999999999",
        b"[[[[[[",
        br#"{"type":"dynamic","value":"#,
        b"null",
        b"\"\\ud800\"",
    ];
    for _ in 0..=entropy.below(4) {
        let at = entropy.below(message.len() + 1);
        match entropy.below(6) {
            0 => message.truncate(at),
            1 => message.insert(at, entropy.byte()),
            2 if at < message.len() => message[at] = entropy.byte(),
            3 if at < message.len() => message[at] ^= 1 << entropy.below(8),
            4 => drop(message.splice(at..at, TELLING[entropy.below(TELLING.len())].iter().copied())),
            _ => {
                let end = (at + entropy.below(16)).min(message.len());
                let doubled = message[at..end].to_vec();
                drop(message.splice(at..at, doubled));
            }
        }
    }
    message
}

/// What became of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// A good message, which came back as it was.
    RoundTrip,
    /// A broken message that still means something.
    Accepted,
    /// A broken message, refused.
    Refused,
}

/// Makes one input and puts it through both decoders. Whatever is accepted must be written and read back as the same.
pub(crate) fn run(entropy: &mut Entropy<'_>) -> [Outcome; 2] {
    let ty = ty(entropy);
    let style = entropy.below(4);
    let value = value(entropy, &ty, style == 0);
    let known = if value.is_wholly_known() { value.clone() } else { Value::Null };
    let packed = msgpack::encode(&value, &ty).expect("a value of its type can be written");
    let text = json::encode(&known, &ty).expect("a known value of its type can be written");
    match style {
        0 => {
            assert_eq!(msgpack::decode(&packed, &ty).as_ref(), Ok(&value));
            assert_eq!(json::decode(&text, &ty, json::Surplus::Refuse).as_ref(), Ok(&known));
            [Outcome::RoundTrip; 2]
        }
        1 => {
            let noise: Vec<u8> = (0..entropy.below(64)).map(|_| entropy.byte()).collect();
            [try_msgpack(&noise, &ty), try_json(&noise, &ty)]
        }
        // A good message of another type.
        2 => {
            let other = self::ty(entropy);
            [try_msgpack(&packed, &other), try_json(&text, &other)]
        }
        _ => [try_msgpack(&mutated(entropy, packed), &ty), try_json(&mutated(entropy, text), &ty)],
    }
}

fn try_msgpack(message: &[u8], ty: &Type) -> Outcome {
    let Ok(value) = msgpack::decode(message, ty) else { return Outcome::Refused };
    let again = msgpack::encode(&value, ty).expect("what was read can be written");
    assert_eq!(msgpack::decode(&again, ty), Ok(value));
    Outcome::Accepted
}

fn try_json(message: &[u8], ty: &Type) -> Outcome {
    let Ok(value) = json::decode(message, ty, json::Surplus::Ignore) else { return Outcome::Refused };
    let again = json::encode(&value, ty).expect("what was read can be written");
    assert_eq!(json::decode(&again, ty, json::Surplus::Refuse), Ok(value));
    Outcome::Accepted
}
