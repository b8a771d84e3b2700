#![allow(clippy::unwrap_used)]

use super::*;

fn strict(text: &str, ty: &Type) -> Result<Value, CodecError> {
    decode(text.as_bytes(), ty, Surplus::Refuse)
}

#[test]
fn text_form_is_go_ctys() {
    let cases = [
        (Value::Null, Type::String, "null"),
        (Value::from(true), Type::Bool, "true"),
        (Value::from("h\u{e9}\n"), Type::String, "\"h\u{e9}\\n\""),
        (Value::Number("123456789012345678901234567890.12345".parse().unwrap()), Type::Number, "123456789012345678901234567890.12345"),
        (Value::from(vec!["a", "b"]), Type::set(Type::String), r#"["a","b"]"#),
        (Value::object([("k", Value::from(1))]), Type::map(Type::Number), r#"{"k":1}"#),
        (Value::List(vec![Value::from(1), Value::Null]), Type::Tuple(vec![Type::Number, Type::Bool]), "[1,null]"),
        (Value::Dynamic(Box::new((Type::Bool, Value::from(true)))), Type::Dynamic, r#"{"type":"bool","value":true}"#),
        (Value::Dynamic(Box::new((Type::Bool, Value::Null))), Type::Dynamic, r#"{"type":"bool","value":null}"#),
    ];
    for (value, ty, text) in cases {
        assert_eq!(String::from_utf8(encode(&value, &ty).unwrap()).unwrap(), text);
        assert_eq!(strict(text, &ty).unwrap(), value);
    }
}

#[test]
fn older_states_are_read() {
    let ty = Type::object([("new", Type::String), ("size", Type::Number), ("tls", Type::Bool), ("zone", Type::String)]);
    let text = r#"{"size":"3","tls":"true","zone":7,"dropped":[1]}"#;
    let want = Value::object([("new", Value::Null), ("size", Value::from(3)), ("tls", Value::from(true)), ("zone", Value::from("7"))]);
    assert_eq!(decode(text.as_bytes(), &ty, Surplus::Ignore).unwrap(), want);
    assert_eq!(strict(text, &ty).unwrap_err().problem, Problem::Surplus("dropped".to_owned()));
}

#[test]
fn errors_say_where() {
    let ty = Type::object([("a", Type::list(Type::object([("m", Type::map(Type::Bool)), ("s", Type::set(Type::Number))])))]);
    for (text, place) in [
        (r#"{"a":[{},{"m":{"k":3}}]}"#, r#"a[1].m["k"]: a bool required, but this is a number"#),
        (r#"{"a":[{"s":[1,"x"]}]}"#, "a[0].s: this is not a decimal number"),
        (r#"{"a":{}}"#, "a: a list of object required, but this is an object"),
        (r#"{"a":[{"s":[1e99999999]}]}"#, "a[0].s: a number may have at most 2048 digits on each side of the point"),
        ("{", "this is not valid JSON (line 1, column 1)"),
        ("[]", "an object required, but this is a list"),
    ] {
        assert_eq!(strict(text, &ty).unwrap_err().to_string(), place);
    }
}

#[test]
fn dynamic_values_need_both_parts() {
    for text in ["3", "{}", r#"{"type":"bool"}"#, r#"{"value":1}"#, r#"{"type":"bool","value":true,"more":1}"#] {
        assert_eq!(strict(text, &Type::Dynamic).unwrap_err().problem, Problem::Dynamic, "{text}");
    }
    assert!(strict(r#"{"type":"bool","value":3}"#, &Type::Dynamic).is_err());
}

#[test]
fn what_a_state_cannot_hold_is_refused() {
    let ty = Type::object([("a", Type::Tuple(vec![Type::Bool]))]);
    let error = |value: Value| encode(&Value::object([("a", value)]), &ty).unwrap_err().to_string();
    assert_eq!(error(Value::List(vec![Value::Unknown])), "a[0]: this value is unknown, which a state can't hold");
    assert_eq!(error(Value::List(vec![])), "a: a tuple of 1 elements is required, not 0");
    assert_eq!(error(Value::from(1)), "a: a tuple required, but this is a number");
}

#[test]
fn nesting_is_bounded() {
    let text = format!("{}null{}", r#"{"type":"dynamic","value":"#.repeat(100_000), "}".repeat(100_000));
    assert!(strict(&text, &Type::Dynamic).is_err());
    let deep = (0..VALUE_DEPTH_MAX).fold((Value::Null, Type::Bool), |(value, ty), _| (Value::List(vec![value]), Type::list(ty)));
    assert_eq!(encode(&deep.0, &deep.1).unwrap_err().problem, Problem::TooDeep);
}
