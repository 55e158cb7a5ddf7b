use super::*;

fn error(text: &str) -> String {
    Items::<()>::from_ron(text).unwrap_err().to_string()
}

#[test]
fn invalid_items_are_named_in_the_error() {
    assert!(error("(items: [(key: \"a\"").starts_with("cannot parse the item catalog: 1:"));
    assert!(error("(items: [(key: \"a\", max_stak: 3)])").contains("max_stak"));
    assert_eq!(error("(items: [(key: \"a\"), (key: \"a\")])"), "duplicate item key `a`");
    assert_eq!(error("(items: [(key: \"\")])"), "item 0 has an empty key");
    assert_eq!(
        error("(items: [(key: \"a\", max_stack: 0)])"),
        "item `a` has a maximum stack size of zero"
    );
}

#[test]
fn invalid_recipes_are_named_in_the_error() {
    let with = |recipe: &str| error(&format!("(items: [(key: \"a\")], recipes: [{recipe}])"));
    assert_eq!(
        with("(key: \"r\", takes: [(\"b\", 1)], gives: [(\"a\", 1)])"),
        "recipe `r` names item `b`, which is not in the catalog"
    );
    assert_eq!(with("(key: \"r\", takes: [], gives: [])"), "recipe `r`: no products");
    assert_eq!(
        with("(key: \"r\", takes: [(\"a\", 0)], gives: [(\"a\", 1)])"),
        "recipe `r`: a count of zero"
    );
    let fine = "(key: \"r\", takes: [], gives: [(\"a\", 1)])";
    assert_eq!(with(&format!("{fine}, {fine}")), "duplicate recipe key `r`");
    let nameless = fine.replace("\"r\"", "\"\"");
    assert_eq!(with(&format!("{fine}, {nameless}")), "recipe 1 has an empty key");
}

#[cfg(feature = "server")]
#[test]
fn recipes_are_found_by_the_items_that_are_there() {
    let items = (0..100).map(|n| format!("(key: \"i{n}\"),")).collect::<String>();
    let recipe = |n: u32| {
        format!("(key: \"r{n}\", takes: [(\"i{}\", 1), (\"i0\", 1)], gives: [(\"i0\", 1)]),", n + 1)
    };
    let recipes = (0..99).map(recipe).collect::<String>();
    let free = "(key: \"free\", takes: [], gives: [(\"i0\", 1)])";
    let text = format!("(items: [{items}], recipes: [{recipes}{free}])");
    let catalog = Items::<()>::from_ron(&text).unwrap().catalog;
    let found = |keys: &[&str]| {
        let found = catalog.recipes_from(keys.iter().map(|key| ItemId::of(key)));
        let mut keys: Vec<_> = found.iter().map(|recipe| recipe.key.clone()).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(found(&[]), ["free"]);
    assert_eq!(found(&["i0"]), ["free"]);
    assert_eq!(found(&["i5", "i0", "i5", "i9"]), ["free", "r4", "r8"]);
}

#[test]
fn keys_with_colliding_hashes_are_rejected() {
    let mut seen = std::collections::HashMap::new();
    let (a, b) = (0u32..)
        .find_map(|n| {
            let key = format!("item_{n}");
            seen.insert(ItemId::of(&key), key.clone()).map(|other| (other, key))
        })
        .unwrap();
    let text = format!("(items: [(key: \"{a}\"), (key: \"{b}\")])");
    let message =
        format!("items `{a}` and `{b}` have the same id {:08x}", ItemId::of(&a).to_bits());
    assert!(error(&text).starts_with(&message), "{}", error(&text));
    let recipe = |key: &str| format!("(key: \"{key}\", takes: [], gives: [(\"x\", 1)])");
    let recipes = [&a, &b].map(|key| recipe(key)).join(", ");
    let message = error(&format!("(items: [(key: \"x\")], recipes: [{recipes}])"));
    let named = |first: &str, second: &str| {
        message == format!("recipes `{first}` and `{second}` have the same id: rename one of them")
    };
    assert!(named(&a, &b) || named(&b, &a), "{message}");
}

#[test]
fn ids_display_as_keys_once_a_catalog_defines_them() {
    let stack = ItemId::of("names_lamp").stack(5);
    assert_eq!(format!("{:?}", stack.item), format!("{:08x}", stack.item.to_bits()));
    let items = r#"(items: [(key: "names_lamp")], recipes: [
        (key: "names_light", takes: [("names_lamp", 1)], gives: [("names_lamp", 1)]),
    ])"#;
    Items::<()>::from_ron(items).unwrap();
    assert_eq!(format!("{stack:?}"), "names_lamp x5");
    assert_eq!(format!("{:?}", stack.with_wear(7)), "names_lamp x5, wear 7");
    assert_eq!(format!("{:?}", RecipeId::of("names_light")), "names_light");
}

#[test]
fn hash_covers_keys_limits_and_tags_but_not_icons() {
    let hash = |text: &str| Items::<()>::from_ron(text).unwrap().catalog.hash();
    let base = hash("(items: [(key: \"a\"), (key: \"b\")])");
    assert_eq!(base, hash("(items: [(key: \"b\", icon: \"x.png\"), (key: \"a\")])"));
    assert_ne!(base, hash("(items: [(key: \"a\"), (key: \"b\", max_stack: 1)])"));
    assert_ne!(base, hash("(items: [(key: \"a\"), (key: \"c\")])"));
    assert_ne!(base, hash("(items: [(key: \"a\"), (key: \"b\", tags: [\"x\"])])"));
}

#[test]
fn rank_bits_match_the_catalog_size() {
    for (len, bits) in [(1, 0), (2, 1), (3, 2), (256, 8), (257, 9), (512, 9)] {
        let defs = (0..len).map(|n| {
            let def = ItemDef {
                key: format!("k{n}"),
                name: String::new(),
                icon: String::new(),
                max_stack: 1,
                tags: vec![],
            };
            (def, ())
        });
        assert_eq!(Items::new(defs).unwrap().catalog.rank_bits(), bits, "{len}");
    }
}
