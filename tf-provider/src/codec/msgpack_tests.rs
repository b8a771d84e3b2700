#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{Path, TypeError};

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

#[test]
fn wire_form_is_go_ctys() {
    let cases: Vec<(Value, Type, Vec<u8>)> = vec![
        (Value::Null, Type::String, vec![0xc0]),
        (Value::Unknown, Type::String, vec![0xd4, 0, 0]),
        (Value::from(true), Type::Bool, vec![0xc3]),
        (Value::from("hé"), Type::String, vec![0xa3, b'h', 0xc3, 0xa9]),
        (Value::from(5), Type::Number, vec![5]),
        (Value::from(-1), Type::Number, vec![0xff]),
        (Value::from(300), Type::Number, vec![0xcd, 1, 44]),
        (number("3.5"), Type::Number, vec![0xcb, 0x40, 0x0c, 0, 0, 0, 0, 0, 0]),
        (number("0.1"), Type::Number, vec![0xa3, b'0', b'.', b'1']),
        (number("9223372036854775808"), Type::Number, [&[0xb3][..], b"9223372036854775808"].concat()),
        (Value::List(vec![]), Type::list(Type::String), vec![0x90]),
        (Value::from(vec!["a"]), Type::set(Type::String), vec![0x91, 0xa1, b'a']),
        (Value::object([("k", Value::from(1))]), Type::map(Type::Number), vec![0x81, 0xa1, b'k', 1]),
        (
            Value::object([("b", Value::Null), ("a", Value::from(false))]),
            Type::object([("a", Type::Bool), ("b", Type::Number)]),
            vec![0x82, 0xa1, b'a', 0xc2, 0xa1, b'b', 0xc0],
        ),
        (Value::List(vec![Value::from(1), Value::from("x")]), Type::Tuple(vec![Type::Number, Type::String]), vec![0x92, 1, 0xa1, b'x']),
        (
            Value::Dynamic(Box::new((Type::String, Value::from("x")))),
            Type::Dynamic,
            [&[0x92, 0xc4, 8][..], br#""string""#, &[0xa1, b'x']].concat(),
        ),
        (
            Value::Dynamic(Box::new((Type::Bool, Value::Unknown))),
            Type::Dynamic,
            [&[0x92, 0xc4, 6][..], br#""bool""#, &[0xd4, 0, 0]].concat(),
        ),
    ];
    for (value, ty, bytes) in cases {
        assert_eq!(encode(&value, &ty).unwrap(), bytes, "{value:?}");
        assert_eq!(decode(&bytes, &ty).unwrap(), value, "{bytes:x?}");
    }
}

#[test]
fn every_form_of_a_number_is_read() {
    let cases: &[(&[u8], &str)] = &[
        (&[0xcc, 200], "200"),
        (&[0xce, 0xff, 0xff, 0xff, 0xff], "4294967295"),
        (&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"),
        (&[0xd0, 0x80], "-128"),
        (&[0xd1, 0x80, 0], "-32768"),
        (&[0xd2, 0x80, 0, 0, 0], "-2147483648"),
        (&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
        (&[0xca, 0x40, 0x60, 0, 0], "3.5"),
        (&[0xa5, b'1', b'.', b'2', b'e', b'1'], "12"),
    ];
    for (bytes, want) in cases {
        assert_eq!(decode(bytes, &Type::Number).unwrap(), number(want));
    }
}

#[test]
fn thirty_digits_survive() {
    for text in ["123456789012345678901234567890.12345", "-0.000000000000000000000000000001", "1e300"] {
        let bytes = encode(&number(text), &Type::Number).unwrap();
        assert_eq!(decode(&bytes, &Type::Number).unwrap(), number(text));
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let nan = [&[0xcb][..], &f64::NAN.to_be_bytes()].concat();
    let infinite = [&[0xca][..], &f32::NEG_INFINITY.to_be_bytes()].concat();
    for bytes in [nan, infinite] {
        assert_eq!(decode(&bytes, &Type::Number).unwrap_err().problem, Problem::Number(NumberError::NotFinite));
    }
    assert_eq!(decode(b"\xa3inf", &Type::Number).unwrap_err().problem, Problem::Number(NumberError::Malformed));
    assert_eq!(decode(b"\xa91e9999999", &Type::Number).unwrap_err().problem, Problem::Number(NumberError::TooLong));
}

#[test]
fn every_ext_is_unknown() {
    let refined = [0xc7, 3, 12, 0x81, 1, 0xc2];
    for bytes in
        [&[0xd4, 0, 0][..], &[0xc7, 0, 0], &[0xd5, 99, 1, 2], &refined, &[0xd8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    {
        for ty in [Type::String, Type::Dynamic, Type::list(Type::Bool)] {
            assert_eq!(decode(bytes, &ty).unwrap(), Value::Unknown, "{bytes:x?}");
        }
    }
    assert_eq!(decode(&[0xc7, 4, 12, 0x81, 1, 0xc2], &Type::String).unwrap_err().problem, Problem::Truncated);
    assert_eq!(decode(&[0xc9, 0xff, 0xff, 0xff, 0xff, 12], &Type::String).unwrap_err().problem, Problem::Refinements);
}

#[test]
fn announced_lengths_are_not_trusted() {
    let cases: &[(&[u8], Type)] = &[
        (&[0xdd, 0xff, 0xff, 0xff, 0xff], Type::list(Type::String)),
        (&[0xdd, 0xff, 0xff, 0xff, 0xff], Type::set(Type::String)),
        (&[0xdf, 0xff, 0xff, 0xff, 0xff], Type::map(Type::String)),
        (&[0xdf, 0xff, 0xff, 0xff, 0xff], Type::object([("a", Type::String)])),
        (&[0xdb, 0xff, 0xff, 0xff, 0xff], Type::String),
        (&[0xc6, 0xff, 0xff, 0xff, 0xff], Type::Number),
        (&[], Type::Bool),
    ];
    for (bytes, ty) in cases {
        assert_eq!(decode(bytes, ty).unwrap_err().problem, Problem::Truncated, "{ty}");
    }
    assert!(matches!(
        decode(&[0xdd, 0xff, 0xff, 0xff, 0xff], &Type::Tuple(vec![Type::Bool])).unwrap_err().problem,
        Problem::TupleLength { expected: 1, .. }
    ));
}

#[test]
fn errors_say_where() {
    let ty = Type::object([("rules", Type::list(Type::object([("ports", Type::map(Type::Number))])))]);
    let value = |port: Value| {
        let rule = |port: Value| Value::object([("ports", Value::object([("https", port)]))]);
        Value::object([("rules", Value::List(vec![rule(Value::Null), rule(port)]))])
    };
    let path = Path::root().attribute("rules").index(1).attribute("ports").key("https");

    let error = encode(&value(Value::from("x")), &ty).unwrap_err();
    assert_eq!(error.path, path);
    assert_eq!(error.to_string(), r#"rules[1].ports["https"]: a number required, but this is a string"#);

    let wrong = Type::object([("rules", Type::list(Type::object([("ports", Type::map(Type::String))])))]);
    let bytes = encode(&value(Value::from("s3cret")), &wrong).unwrap();
    let error = decode(&bytes, &ty).unwrap_err();
    assert_eq!(error, CodecError { path, problem: Problem::Number(NumberError::Malformed) });
    assert!(!error.to_string().contains("s3cret"), "values may be secrets");
}

#[test]
fn a_sets_elements_have_no_path() {
    let ty = Type::object([("ids", Type::set(Type::Bool))]);
    let error = encode(&Value::object([("ids", Value::from(vec!["x"]))]), &ty).unwrap_err();
    assert_eq!(error.path, Path::of("ids"));
    assert_eq!(decode(b"\x81\xa3ids\x91\xa1x", &ty).unwrap_err().path, Path::of("ids"));
}

#[test]
fn objects_have_exactly_their_attributes() {
    let ty = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
    assert_eq!(decode(b"\x81\xa1a\xc3", &ty).unwrap_err().problem, Problem::Missing("b".to_owned()));
    assert_eq!(decode(b"\x82\xa1a\xc3\xa1a\xc3", &ty).unwrap_err().problem, Problem::Missing("b".to_owned()));
    assert_eq!(decode(b"\x83\xa1a\xc3\xa1b\xc3\xa1c\xc3", &ty).unwrap_err().problem, Problem::Surplus("c".to_owned()));
    assert_eq!(decode(b"\x81\x01\xc3", &ty).unwrap_err().problem, Problem::Key);
    assert_eq!(encode(&Value::object([]), &ty).unwrap(), b"\x82\xa1a\xc0\xa1b\xc0", "what is not there is null");
    assert_eq!(encode(&Value::object([("c", Value::Null)]), &ty).unwrap_err().problem, Problem::Surplus("c".to_owned()));
}

#[test]
fn nothing_may_follow() {
    assert_eq!(decode(&[0xc3, 0xc3], &Type::Bool).unwrap_err().problem, Problem::Trailing);
}

#[test]
fn nesting_is_bounded() {
    let header = [&[0x92, 0xc4, 9][..], br#""dynamic""#].concat();
    let nested = |levels: usize| [header.repeat(levels), vec![0xc0]].concat();
    assert!(decode(&nested(VALUE_DEPTH_MAX - 1), &Type::Dynamic).is_ok());
    assert_eq!(decode(&nested(VALUE_DEPTH_MAX), &Type::Dynamic).unwrap_err().problem, Problem::TooDeep);
    assert_eq!(decode(&nested(1_000_000), &Type::Dynamic).unwrap_err().problem, Problem::TooDeep);

    let deep = |levels: usize| (0..levels).fold((Value::Null, Type::Bool), |(value, ty), _| (Value::List(vec![value]), Type::list(ty)));
    let (value, ty) = deep(VALUE_DEPTH_MAX - 1);
    assert_eq!(decode(&encode(&value, &ty).unwrap(), &ty).unwrap(), value);
    let (value, ty) = deep(VALUE_DEPTH_MAX);
    assert_eq!(encode(&value, &ty).unwrap_err().problem, Problem::TooDeep);
}

#[test]
fn dynamic_values_bring_their_type() {
    assert_eq!(decode(&[0xc0], &Type::Dynamic).unwrap(), Value::Null);
    assert_eq!(decode(&[0x91, 0xc0], &Type::Dynamic).unwrap_err().problem, Problem::Dynamic);
    assert_eq!(decode(&[0xa1, b'x'], &Type::Dynamic).unwrap_err().problem, Problem::Dynamic);
    assert_eq!(decode(b"\x92\xa3{}x\xc0", &Type::Dynamic).unwrap_err().problem, Problem::Type(TypeError::Malformed));
    let untyped = Value::object([("a", Value::from(vec![1]))]);
    let ty = Type::object([("a", Type::Tuple(vec![Type::Number]))]);
    let bytes = encode(&untyped, &Type::Dynamic).unwrap();
    assert_eq!(decode(&bytes, &Type::Dynamic).unwrap(), Value::Dynamic(Box::new((ty, untyped))), "a type is made up");
}

#[test]
fn sets_come_in_one_order() {
    let set = Type::set(Type::String);
    assert_eq!(decode(b"\x93\xa1b\xa1a\xa1b", &set).unwrap(), Value::from(vec!["a", "b"]));
}

#[test]
fn five_megabytes_survive() {
    let text = Value::from("ü".repeat(2_500_000));
    let bytes = encode(&text, &Type::String).unwrap();
    assert_eq!(bytes.len(), 5_000_005);
    assert_eq!(decode(&bytes, &Type::String).unwrap(), text);
    assert_eq!(decode(b"\xa2\xff\xfe", &Type::String).unwrap_err().problem, Problem::Utf8);
}
