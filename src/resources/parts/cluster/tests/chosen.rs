//! What is chosen for node groups.

use super::*;

#[test]
fn the_image_is_unknown_while_its_instances_are() {
    let image = |types: Attr<Vec<Attr<String>>>, facts: Option<&Facts>| {
        let group = NodeGroup { instance_types: types, ..NodeGroup::default() };
        let groups = Attr::Known(BTreeMap::from([("g".to_owned(), group)]));
        let made = groups::effective(&groups, None, facts, Some(Preset::Production));
        made.known().unwrap()["g"].ami_type.clone()
    };
    let types = |names: &[&str]| Attr::Known(names.iter().map(|name| Attr::Known((*name).to_owned())).collect::<Vec<_>>());
    let (arm, x86) = (Attr::Known("AL2023_ARM_64_STANDARD".to_owned()), Attr::Known("AL2023_x86_64_STANDARD".to_owned()));
    assert_eq!(image(Attr::Unknown, Some(&facts())), Attr::Unknown);
    assert_eq!(image(Attr::Known(vec![Attr::Unknown]), Some(&facts())), Attr::Unknown);
    assert_eq!(image(types(&["m7g.large"]), Some(&facts())), arm);
    assert_eq!(image(types(&["t3.large"]), Some(&facts())), x86);
    // Without a connection nobody tells what the types are, but for the preset's own.
    assert_eq!(image(types(&["m7g.large"]), None), Attr::Unknown);
    assert_eq!(image(Attr::Null, None), x86);
}
