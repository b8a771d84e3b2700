//! Round trips over arbitrary types and values, and broken messages that must not panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod arbitrary;

use arbitrary::Entropy;
use proptest::{
    collection::vec,
    prelude::{any, prop_assert, prop_assert_eq, proptest},
    test_runner::Config,
};
use tf_provider::{
    Type, Value,
    codec::{json, msgpack},
};

/// Shrinking is done here and now; no file of regressions is kept beside the source.
fn config(cases: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn msgpack_gives_values_back(bytes in vec(any::<u8>(), 0..600)) {
        let entropy = &mut Entropy(&bytes);
        let ty = arbitrary::ty(entropy);
        let value = arbitrary::value(entropy, &ty, true);
        prop_assert_eq!(msgpack::decode(&msgpack::encode(&value, &ty).unwrap(), &ty).unwrap(), value);
    }

    #[test]
    fn json_gives_values_back(bytes in vec(any::<u8>(), 0..600)) {
        let entropy = &mut Entropy(&bytes);
        let ty = arbitrary::ty(entropy);
        let value = arbitrary::value(entropy, &ty, false);
        prop_assert_eq!(json::decode(&json::encode(&value, &ty).unwrap(), &ty, json::Surplus::Refuse).unwrap(), value);
    }

    #[test]
    fn types_come_back(bytes in vec(any::<u8>(), 0..200)) {
        let ty = arbitrary::ty(&mut Entropy(&bytes));
        prop_assert_eq!(Type::from_bytes(&ty.to_bytes()).unwrap(), ty);
    }

    #[test]
    fn the_order_of_sets_is_total(bytes in vec(any::<u8>(), 0..600)) {
        let entropy = &mut Entropy(&bytes);
        let ty = arbitrary::ty(entropy);
        let [a, b, c] = [(); 3].map(|()| arbitrary::value(entropy, &ty, true));
        prop_assert_eq!(a.canonical_cmp(&b), b.canonical_cmp(&a).reverse());
        prop_assert_eq!(a.canonical_cmp(&b).is_eq(), a == b);
        if a.canonical_cmp(&b).is_le() && b.canonical_cmp(&c).is_le() {
            prop_assert!(a.canonical_cmp(&c).is_le());
        }
        let set = Type::set(ty);
        let [forth, back] = [vec![a.clone(), b.clone(), c.clone()], vec![c, b, a]].map(Value::List);
        prop_assert!(forth.same(&back, &set));
    }

    #[test]
    fn raw_bytes_never_panic(message in vec(any::<u8>(), 0..100), bytes in vec(any::<u8>(), 0..100)) {
        let ty = arbitrary::ty(&mut Entropy(&bytes));
        // Nothing to assert: the errors are as many as the messages.
        drop((msgpack::decode(&message, &ty), json::decode(&message, &ty, json::Surplus::Ignore), Type::from_bytes(&message)));
    }
}

proptest! {
    #![proptest_config(config(5_000))]

    /// The fuzzer's inputs (`cargo run -p tf-provider --example fuzz -- 1000000`), fewer of them and with shrinking.
    #[test]
    fn broken_messages_are_refused_or_mean_something(bytes in vec(any::<u8>(), 0..400)) {
        arbitrary::run(&mut Entropy(&bytes));
    }
}
