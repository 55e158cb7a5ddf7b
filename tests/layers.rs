//! Compares the imports of `src` with the layers of the architecture: a module imports only modules below it,
//! modules of one layer do not import each other, and no file of a module imports in a circle.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{UseTree, visit::Visit};

/// The top-level modules, the lowest first. Modules of one layer do not import each other.
const LAYERS: &[&[&str]] = &[
    &["model"],
    &["wire"],
    &["shared"],
    &["client", "server"],
    &["app"],
    &["params"],
    &["changes"],
    &["features"],
    &["plugins"],
    &["overlay", "renet", "store", "ui"],
    &["gateway"],
    &["sim"],
];

/// Of these, modules above [`HALVES_SEEN_BY`] may use public items and `inspect` only.
const HALVES: [&str; 2] = ["client", "server"];

/// The highest module that may use internals of [`HALVES`].
const HALVES_SEEN_BY: &str = "params";

/// May use internals of everything, to simulate it.
const SEES_ALL: &str = "sim";

/// Files that may be longer than [`LINES_MAX`], with the reason.
const LONG_FILES: &[(&str, &str)] = &[
    ("lib.rs", "it is the guide"),
    ("wire/decode.rs", "the decoder follows the format from top to bottom"),
    ("model/slots.rs", "one type with its tests"),
];

const LINES_MAX: usize = 400;

/// Not part of the layers: the crate root and the documentation.
const EXEMPT: [&str; 2] = ["lib", "guide"];

/// A path inside the crate, without `crate`.
type ModulePath = Vec<String>;

/// One import that is not allowed.
type Violation = String;

fn to_path(path: &str) -> ModulePath {
    path.split("::").filter(|part| !part.is_empty()).map(String::from).collect()
}

/// What one file imports of this crate.
struct Imports {
    /// The module of the file.
    module: ModulePath,
    /// The module that is being visited, deeper than `module` in an inline module.
    scope: ModulePath,
    children: BTreeSet<String>,
    found: Vec<ModulePath>,
}

impl Imports {
    fn of(module: &str, source: &str) -> Self {
        let file = syn::parse_file(source).unwrap();
        let children = file.items.iter().filter_map(|item| match item {
            syn::Item::Mod(child) => Some(child.ident.to_string()),
            _ => None,
        });
        let module = to_path(module);
        let (scope, children) = (module.clone(), children.collect());
        let mut imports = Self { module, scope, children, found: Vec::new() };
        imports.visit_file(&file);
        imports
    }

    /// Adds a path that begins with `crate`, `super`, `self` or a child module.
    fn add(&mut self, segments: &[String]) {
        let (mut at, mut rest) = (self.scope.clone(), segments);
        match segments.first().map(String::as_str) {
            Some("crate") => (at, rest) = (Vec::new(), &segments[1..]),
            Some("self") => rest = &segments[1..],
            Some("super") => {}
            Some(child) if self.scope == self.module && self.children.contains(child) => {}
            _ => return,
        }
        while rest.first().is_some_and(|segment| segment == "super") {
            at.pop();
            rest = &rest[1..];
        }
        at.extend(rest.iter().cloned());
        // What stays within the file is no import.
        if at != self.module {
            self.found.push(at);
        }
    }

    fn add_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) if name.ident == "self" => self.add(before),
            UseTree::Name(name) => self.add(&with(&name.ident)),
            UseTree::Rename(rename) => self.add(&with(&rename.ident)),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(before, tree));
            }
        }
    }

    /// Finds paths in the arguments of a macro, which are not parsed.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Ident(ident)
                    if ["crate", "super", "self"].iter().any(|k| ident == k) =>
                {
                    let mut path = vec![ident.to_string()];
                    while let [TokenTree::Punct(a), TokenTree::Punct(b), TokenTree::Ident(next), ..] =
                        &tokens[at + 1..]
                        && (a.as_char(), b.as_char()) == (':', ':')
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if path.len() > 1 {
                        self.add(&path);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.scope.push(item.ident.to_string());
            syn::visit::visit_item_mod(self, item);
            self.scope.pop();
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        syn::visit::visit_path(self, path);
    }

    // `pub(in crate::module)` is no import.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.add_tokens(item.tokens.clone());
    }
}

/// The items of `src` that are public to other crates, by module, and the modules themselves.
#[derive(Default)]
struct PublicItems {
    modules: BTreeMap<ModulePath, bool>,
    items: BTreeSet<ModulePath>,
}

impl PublicItems {
    fn add(&mut self, module: &ModulePath, source: &str) {
        for item in syn::parse_file(source).unwrap().items {
            let (name, visibility) = match &item {
                syn::Item::Mod(item) => (&item.ident, &item.vis),
                syn::Item::Struct(item) => (&item.ident, &item.vis),
                syn::Item::Enum(item) => (&item.ident, &item.vis),
                syn::Item::Trait(item) => (&item.ident, &item.vis),
                syn::Item::Type(item) => (&item.ident, &item.vis),
                syn::Item::Const(item) => (&item.ident, &item.vis),
                syn::Item::Fn(item) => (&item.sig.ident, &item.vis),
                _ => continue,
            };
            let path = [module.as_slice(), &[name.to_string()]].concat();
            let public = matches!(visibility, syn::Visibility::Public(_));
            if matches!(item, syn::Item::Mod(_)) {
                self.modules.insert(path, public);
            } else if public {
                self.items.insert(path);
            }
        }
    }

    /// Returns `true` if a path names a public item, or something in it, in public modules only.
    fn contains(&self, path: &ModulePath) -> bool {
        let prefixes = (1..=path.len()).map(|len| &path[..len]);
        let module_is_public = |prefix: &[String]| self.modules.get(prefix).copied();
        prefixes.clone().filter_map(module_is_public).all(|public| public)
            && (prefixes.clone().any(|prefix| self.items.contains(prefix))
                || module_is_public(path) == Some(true))
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Checks one import against the layers.
fn check(from: &ModulePath, to: &ModulePath, public: &PublicItems) -> Option<Violation> {
    let (from_path, to_path) = (from.join("::"), to.join("::"));
    let source = from.first()?;
    let Some(target) = to.first() else {
        return Some(format!("`{from_path}` imports from the crate root"));
    };
    let Some(to_layer) = layer(target) else {
        return Some(format!("`{from_path}` imports `{to_path}` from the crate root"));
    };
    if source == target {
        return None;
    }
    let from_layer = layer(source)?;
    if to_layer >= from_layer {
        return Some(format!("`{from_path}` imports `{to_path}`, which is not below it"));
    }
    let may_see_halves = from_layer <= layer(HALVES_SEEN_BY)? || source == SEES_ALL;
    let is_inspect = to.get(1).is_some_and(|module| module == "inspect");
    let is_visible = may_see_halves || is_inspect || public.contains(to);
    if HALVES.contains(&target.as_str()) && !is_visible {
        return Some(format!("`{from_path}` imports `{to_path}`, which is internal to `{target}`"));
    }
    None
}

/// Returns a circle of files that import each other, if there is one. A parent and its own children may import
/// each other.
fn circle(edges: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> Option<Vec<String>> {
    fn visit(
        at: &ModulePath,
        edges: &BTreeMap<ModulePath, BTreeSet<ModulePath>>,
        path: &mut Vec<ModulePath>,
        done: &mut BTreeSet<ModulePath>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|before| before == at) {
            return Some(path[start..].iter().map(|module| module.join("::")).collect());
        }
        if !done.insert(at.clone()) {
            return None;
        }
        path.push(at.clone());
        for next in edges.get(at).into_iter().flatten() {
            if let Some(found) = visit(next, edges, path, done) {
                return Some(found);
            }
        }
        path.pop();
        None
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|at| visit(at, edges, &mut Vec::new(), &mut done))
}

fn source_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// All files of `src` with their module and text.
fn sources() -> Vec<(ModulePath, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    files.sort();
    let module = |file: &PathBuf| {
        let relative = file.strip_prefix(&root).unwrap().with_extension("");
        relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect()
    };
    files.iter().map(|file| (module(file), fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn modules_import_only_what_is_below_them() {
    let sources = sources();
    let mut public = PublicItems::default();
    for (module, source) in &sources {
        let module = if *module == ["lib"] { Vec::new() } else { module.clone() };
        public.add(&module, source);
    }
    let mut violations = Vec::new();
    for (module, source) in
        sources.iter().filter(|(module, _)| !EXEMPT.contains(&module[0].as_str()))
    {
        let imports = Imports::of(&module.join("::"), source);
        violations.extend(imports.found.iter().filter_map(|to| check(module, to, &public)));
    }
    violations.sort();
    violations.dedup();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn files_of_a_module_do_not_import_in_a_circle() {
    let sources = sources();
    let modules: BTreeSet<ModulePath> = sources.iter().map(|(module, _)| module.clone()).collect();
    let mut edges: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
    for (module, source) in
        sources.iter().filter(|(module, _)| !EXEMPT.contains(&module[0].as_str()))
    {
        for to in Imports::of(&module.join("::"), source).found {
            // The file that contains the item.
            let file = (1..=to.len()).rev().map(|len| to[..len].to_vec());
            let Some(file) = file.clone().find(|file| modules.contains(file)) else { continue };
            let related = file.starts_with(module) || module.starts_with(&file);
            if file[0] == module[0] && !related {
                edges.entry(module.clone()).or_default().insert(file);
            }
        }
    }
    assert_eq!(circle(&edges), None);
}

#[test]
fn the_readme_lists_the_modules() {
    let sources = sources();
    let readme = include_str!("../src/README.md");
    let top: BTreeSet<&str> = sources.iter().map(|(module, _)| module[0].as_str()).collect();
    for module in top.iter().filter(|module| !EXEMPT.contains(module)) {
        assert!(layer(module).is_some(), "`{module}` has no layer");
        assert!(readme.contains(&format!("| `{module}` |")), "src/README.md has no row `{module}`");
    }
    for module in LAYERS.iter().copied().flatten() {
        assert!(top.contains(module), "there is no module `{module}`");
    }
}

/// Returns the source of the module of a test, in `tests/promises` or `src`, and what follows its path.
fn module_of_test(path: &[&str]) -> Option<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    (0..path.len()).rev().find_map(|at| {
        let file =
            ["tests/promises", "src"].map(|folder| root.join(folder).join(path[..at].join("/")));
        let source =
            file.iter().find_map(|file| fs::read_to_string(file.with_extension("rs")).ok())?;
        Some((source, path[at..].last()?.trim_end_matches('*').to_owned()))
    })
}

#[test]
fn the_readme_of_the_tests_names_tests_that_exist() {
    let readme = include_str!("README.md");
    let table = readme.split("\n## Scenarios").nth(1).expect("there is a list of scenarios");
    let (mut before, mut checked) = (Vec::new(), 0);
    for name in table.split('`').skip(1).step_by(2).filter(|name| name.contains("::")) {
        let mut path: Vec<&str> = name.split("::").collect();
        if path[0] == "…" {
            path = before.iter().copied().chain(path[1..].iter().copied()).collect();
        }
        let found = module_of_test(&path);
        let (source, name) = found.unwrap_or_else(|| panic!("there is no module for `{path:?}`"));
        assert!(source.contains(&format!("fn {name}")), "there is no test `{}`", path.join("::"));
        before = path[..path.len() - 1].to_vec();
        checked += 1;
    }
    assert!(checked > 50, "only {checked} names were found");
}

#[test]
fn the_package_contains_all_files_that_the_source_includes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let packaged = manifest.lines().find(|line| line.starts_with("include = ")).unwrap();
    let mut files = Vec::new();
    source_files(&root.join("src"), &mut files);
    let mut missing = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for rest in source.split("include_str!(\"").skip(1) {
            let included = rest.split('"').next().unwrap();
            let target = file.parent().unwrap().join(included).canonicalize().unwrap();
            let path = target.strip_prefix(root.canonicalize().unwrap()).unwrap();
            if !path.starts_with("src") && !packaged.contains(&format!("\"/{}\"", path.display())) {
                missing.push(format!("{} includes {}", file.display(), path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn files_are_short() {
    let long = sources().into_iter().filter_map(|(module, source)| {
        let (file, lines) = (format!("{}.rs", module.join("/")), source.lines().count());
        let allowed = LONG_FILES.iter().any(|(name, _)| *name == file);
        (lines > LINES_MAX && !allowed).then(|| format!("{file}: {lines} lines"))
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Text that occurs only in some files: an invariant of src/README.md, the text, and where it may occur. A place
/// that ends with `/` is a folder.
const CONFINED: &[(u8, &[&str], &[&str])] = &[
    (
        2,
        &["SyncBatch", "SyncChunk", "SyncRequest", "ServerMessages", "ClientMessages"],
        &[
            "shared/messages.rs",
            "server/send/",
            "server/requests/validate.rs",
            "client/receive.rs",
            "client/predict.rs",
            "client/submit.rs",
            "client/transfers.rs",
            "sim.rs",
        ],
    ),
    (9, &["fastrand"], &["shared/random.rs", "sim.rs", "sim/"]),
    (9, &["Instant::now"], &["overlay/steps.rs", "store/link.rs", "gateway/clock.rs"]),
    (9, &["SystemTime"], &["store/worker/commit.rs", "gateway/clock.rs"]),
];

/// Text that does not occur in these folders.
const ABSENT: &[(u8, &[&str], &[&str])] = &[(
    1,
    &["World", "Time<", "Duration", "Instant", "use log", "info!", "warn!", "error!(", "debug!("],
    &["model/", "wire/", "wire.rs"],
)];

/// Removes comments and the tests of a file.
fn code_of(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_source_keeps_its_invariants() {
    let within = |file: &str, places: &[&str]| {
        places.iter().any(|place| {
            if place.ends_with('/') { file.starts_with(place) } else { file == *place }
        })
    };
    let mut broken = Vec::new();
    for (module, source) in sources() {
        let (file, code) = (format!("{}.rs", module.join("/")), code_of(&source));
        let rules =
            CONFINED.iter().map(|rule| (rule, false)).chain(ABSENT.iter().map(|r| (r, true)));
        for ((invariant, texts, places), forbidden_inside) in rules {
            if within(&file, places) != forbidden_inside {
                continue;
            }
            let found = texts.iter().filter(|text| code.contains(**text));
            broken.extend(found.map(|text| format!("invariant {invariant}: `{text}` in {file}")));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Returns the violations of one file that is a separate module.
fn violations(module: &str, source: &str) -> Vec<Violation> {
    let mut public = PublicItems::default();
    public.add(&Vec::new(), "pub mod server; pub mod client;");
    public.add(&to_path("server"), "pub mod access; pub(crate) mod views; pub mod inspect;");
    public.add(&to_path("server::access"), "pub struct Owner; pub(crate) struct Private;");
    public.add(&to_path("server::inspect"), "pub struct ServerInspect;");
    let imports = Imports::of(module, source);
    imports.found.iter().filter_map(|to| check(&to_path(module), to, &public)).collect()
}

#[test]
fn each_form_of_a_forbidden_import_is_found() {
    for (module, source) in [
        ("model::slots", "use crate::wire::bits::BitWriter;"),
        ("model::slots", "use crate::{model::id::ItemId, wire::{bits}};"),
        ("model::slots", "use super::super::wire::bits::BitWriter;"),
        ("model", "use super::wire::bits as b;"),
        ("model::slots", "fn f() { crate::wire::encode::copy(); }"),
        ("model::slots", "fn f(part: super::super::wire::Part) {}"),
        ("model::slots", "fn f() { assert!(crate::wire::ok()); }"),
        ("model::slots", "mod tests { use super::super::super::wire::Part; }"),
        ("model::slots", "use crate::wire::*;"),
        ("client::apply", "use crate::server::access::Owner;"),
        ("overlay::window", "use crate::prelude::*;"),
        ("overlay::window", "use crate::InventoryPlugins;"),
        ("overlay::window", "use crate::server::views::Subscriptions;"),
        ("overlay::window", "use crate::server::access::Private;"),
        ("features::pages", "use crate::server::views;"),
    ] {
        assert_eq!(violations(module, source).len(), 1, "{module}: {source}");
    }
}

#[test]
fn allowed_imports_are_not_reported() {
    for (module, source) in [
        ("wire::bits", "use crate::model::id::ItemId; use super::decode; use bevy::prelude::*;"),
        ("wire", "pub mod bits; use bits::BitWriter; use self::bits::BitReader;"),
        ("overlay::window", "use crate::server::access::Owner; use crate::server::inspect::*;"),
        ("params::actions", "use crate::server::views::Subscriptions;"),
        ("sim", "use crate::server::views::Subscriptions;"),
        ("server::access", "pub(in crate::server) fn f() {} mod tests { use super::*; }"),
        ("model::slots", "/// See [`crate::wire`].\nfn f() { self.server::<u8>(); }"),
    ] {
        assert_eq!(violations(module, source), Vec::<String>::new(), "{module}: {source}");
    }
}

#[test]
fn a_circle_of_files_is_found() {
    let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")];
    let mut graph: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
    for (from, to) in edges {
        graph.entry(to_path(from)).or_default().insert(to_path(to));
    }
    assert_eq!(circle(&graph), Some(["a", "b", "c"].map(String::from).to_vec()));
    graph.remove(&to_path("c"));
    assert_eq!(circle(&graph), None);
}
