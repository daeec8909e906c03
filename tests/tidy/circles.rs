//! No two files of `src/` need each other, by whatever way round: a file can be read once all that it takes from is known.
//!
//! Must never hold: a circle that may stay.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::{Imports, Sources};
use crate::{report, sources};

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files: Vec<(String, String)> =
        sources().into_iter().map(|source| (source.name(), source.text)).collect();
    let sources = Sources::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let imports = sources.imports();
    let knots = knots(&imports);
    report(&knots.iter().map(|knot| knot.told(&imports)).collect::<Vec<_>>());
}

/// Files that all need each other.
struct Knot<'a> {
    files: BTreeSet<&'a str>,
    /// One circle of them: the first is the last.
    circle: Vec<&'a str>,
}

impl Knot<'_> {
    /// Who takes what from whom, once round.
    fn told(&self, imports: &Imports<'_>) -> String {
        let files = self.files.iter().copied().collect::<Vec<_>>().join(", ");
        let ties = self.circle.windows(2).map(|pair| {
            let names: Vec<&str> = imports[pair[0]][pair[1]].iter().map(String::as_str).collect();
            format!("\n    src/{} takes from src/{}: {}", pair[0], pair[1], names.join(", "))
        });
        format!("{} files need each other: {files}{}", self.files.len(), ties.collect::<String>())
    }
}

fn knots<'a>(imports: &Imports<'a>) -> Vec<Knot<'a>> {
    let mut found: Vec<Knot<'a>> = Vec::new();
    for file in imports.keys().copied() {
        if found.iter().any(|knot| knot.files.contains(file)) {
            continue;
        }
        if let Some(circle) = circle_through(imports, file) {
            let needed = reached(imports, file).into_keys();
            let files = needed.filter(|other| reached(imports, other).contains_key(file)).collect();
            found.push(Knot { files, circle });
        }
    }
    found
}

/// The files that `file` needs, directly or not, each with the one that led to it by the shortest way.
fn reached<'a>(imports: &Imports<'a>, file: &'a str) -> BTreeMap<&'a str, &'a str> {
    let (mut found, mut next) = (BTreeMap::new(), VecDeque::from([file]));
    while let Some(from) = next.pop_front() {
        for to in imports.get(from).into_iter().flat_map(|taken| taken.keys().copied()) {
            if !found.contains_key(to) {
                found.insert(to, from);
                next.push_back(to);
            }
        }
    }
    found
}

/// The shortest circle through `file`.
fn circle_through<'a>(imports: &Imports<'a>, file: &'a str) -> Option<Vec<&'a str>> {
    let reached = reached(imports, file);
    let mut circle = vec![file];
    let mut last = *reached.get(file)?;
    while last != file {
        circle.push(last);
        last = reached[last];
    }
    circle.push(file);
    circle.reverse();
    Some(circle)
}

/// The knots of made-up files, each as its files and what ties its circle.
fn made_up(files: &[(&str, &str)]) -> Vec<String> {
    let sources = Sources::read(files.iter().copied());
    let imports = sources.imports();
    knots(&imports).iter().map(|knot| knot.told(&imports)).collect()
}

const TWO: &str = "2 files need each other: a.rs, b.rs\n    src/a.rs takes from src/b.rs: ";

#[test]
fn a_circle_is_found_by_whatever_words_it_is_tied() {
    let back = "use crate::a::A; pub struct B; pub fn b(a: A) {}";
    let ties = [
        ("use crate::b::B;", "crate::b::B"),
        ("use crate::{c::C, b::{self, B as Other}};", "crate::b, crate::b::B"),
        ("use super::b;\nfn a() { b::b(A) }", "b::b, super::b"),
        ("pub use super::b::B;", "super::b::B"),
        ("use super::b::*;\nfn a() -> B {}", "super::b::B"),
        ("fn a() { crate::b::b(A) }", "crate::b::b"),
        ("fn a(b: super::b::B) {}", "super::b::B"),
        ("use super::b::B as _;", "super::b::B"),
        ("pub mod inner {\n use super::super::b::B;\n}", "super::b::B"),
        ("pub mod inner {\n fn a(a: super::A, b: crate::b::B) {}\n}", "crate::b::B"),
    ];
    for (text, names) in ties {
        let a = format!("{text} pub struct A;");
        let told = made_up(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", &a),
            ("b.rs", back),
            ("c.rs", ""),
        ]);
        let [told] = &told[..] else { panic!("{text}: {told:?}") };
        let first = told.split("\n    src/b.rs").next().unwrap();
        assert_eq!(first, format!("{TWO}{names}"), "{text}");
        assert!(told.ends_with("src/b.rs takes from src/a.rs: crate::a::A"), "{told}");
    }
}

#[test]
fn a_circle_of_three_is_told_all_the_way_round() {
    let files =
        [("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c::C;"), ("c.rs", "use crate::a::A;")];
    let told = made_up(&[&[("lib.rs", "pub mod a; pub mod b; pub mod c;")], &files[..]].concat());
    let expected = "3 files need each other: a.rs, b.rs, c.rs\n    src/a.rs takes from src/b.rs: crate::b::B\n    \
                    src/b.rs takes from src/c.rs: crate::c::C\n    src/c.rs takes from src/a.rs: crate::a::A";
    assert_eq!(told, [expected]);
}

#[test]
fn a_name_leads_to_the_file_that_it_is_passed_on_from() {
    let root = ("lib.rs", "mod x;");
    let folder =
        ("x/mod.rs", "mod inner; mod outer; pub use inner::Inner; pub use self::outer::Outer;");
    let inner = ("x/inner.rs", "use super::Outer; pub struct Inner;");
    let there = ("x/outer.rs", "pub struct Outer;");
    let and_back = ("x/outer.rs", "use crate::x::Inner; pub struct Outer;");
    assert_eq!(made_up(&[root, folder, inner, there]), Vec::<String>::new());
    let told = made_up(&[root, folder, inner, and_back]);
    let expected = "2 files need each other: x/inner.rs, x/outer.rs\n    src/x/inner.rs takes from src/x/outer.rs: \
                    super::Outer\n    src/x/outer.rs takes from src/x/inner.rs: crate::x::Inner";
    assert_eq!(told, [expected]);
}

#[test]
fn a_folder_that_passes_names_on_takes_nothing_and_one_that_uses_them_does() {
    let child =
        ("x/child.rs", "use super::Own; pub struct Child; impl Child { pub fn child() {} }");
    let folder = |rest: &str| format!("mod child; pub use child::Child; pub struct Own; {rest}");
    let passing = folder("");
    assert_eq!(made_up(&[("x/mod.rs", &passing), child]), Vec::<String>::new());
    for use_of_it in [
        "fn own(child: Child) {}",
        "fn own() { Child::child() }",
        "fn own() { child::Child::child() }",
    ] {
        let using = folder(use_of_it);
        assert_eq!(made_up(&[("x/mod.rs", &using), child]).len(), 1, "{use_of_it}");
    }
}

#[test]
fn what_is_no_import_ties_nothing() {
    let back = ("b.rs", "use crate::a::A; pub struct B;");
    let innocent = [
        "// use crate::b::B;",
        "/// [`crate::b::B`]\n",
        "const TEXT: &str = \"use crate::b::B;\";",
        "#[cfg(test)] use crate::b::B;",
        "#[cfg(doc)] use crate::b::B;",
        "pub mod b {\n pub struct B;\n}\nfn a(b: b::B, c: self::b::B) {}",
        "pub mod inner {\n use super::b::B;\n}\nmod b {}",
        "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
        "use b::B; fn a() { b::c() }",
        "pub(in crate::b) fn a() {}",
        "use crate::a::A as B;",
    ];
    for text in innocent {
        let a = format!("pub struct A; {text}");
        // Unit tests stand at the begin of a line, as rustfmt puts them.
        let a = a.replace("; #[cfg(test)]\nmod", ";\n#[cfg(test)]\nmod");
        assert_eq!(
            made_up(&[("lib.rs", "mod a; mod b;"), ("a.rs", &a), back]),
            Vec::<String>::new(),
            "{text}"
        );
    }
}
