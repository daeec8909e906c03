//! What each file of `src/` takes from which other file, read from the text of its imports and paths.
//!
//! A name leads to the file that defines it: through the modules on the way, and through what a `mod.rs` re-exports.
//! A `mod x;` takes nothing, and neither does a `mod.rs` that only passes a name on.
//! Must never hold: what may be taken from whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::{Token, tokens};

/// The words that take part in paths and in imports without being names of something.
const ROOTS: &[&str] = &["crate", "self", "super"];

/// A path in a file: the words between the colons.
type Path = Vec<String>;

/// A name that a file gets by `use`.
struct Use {
    path: Path,
    /// How the file calls it; `None` for `*`.
    name: Option<String>,
    /// Whether it is passed on.
    is_public: bool,
}

/// A file and all that its text says about others.
struct File {
    name: String,
    module: Path,
    uses: Vec<Use>,
    /// Paths outside of `use`.
    paths: Vec<Path>,
    /// Words outside of `use`.
    words: BTreeSet<String>,
    /// Names that an item keyword stands in front of, those of modules inside the file among them.
    defined: BTreeSet<String>,
    /// While it is read: how many braces are open, and at which of them a module inside the file began.
    open_count: usize,
    inner: Vec<usize>,
}

/// Where a path leads to.
#[derive(Clone, Copy)]
enum Place {
    /// A module, by its file.
    Module(usize),
    /// Something in a file.
    Item(usize),
}

/// What a word is in the module of a file, as far as one search has found it. What is still being searched for is nothing,
/// so that a name that leads to itself, as that of a macro does, is not followed for ever.
type Found = BTreeMap<(usize, String), Option<Place>>;

/// All files.
pub(crate) struct Sources {
    files: Vec<File>,
    modules: BTreeMap<Path, usize>,
}

/// For each file that takes something, the files it takes it from and by which names.
pub(crate) type Imports<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeSet<String>>>;

impl Sources {
    /// Reads files given by their path below `src/` and their text.
    pub(crate) fn read<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files: Vec<File> =
            texts.into_iter().map(|(name, text)| File::read(name, text)).collect();
        let modules = (0..).zip(&files).map(|(index, file)| (file.module.clone(), index)).collect();
        Self { files, modules }
    }

    /// What is taken from where.
    pub(crate) fn imports(&self) -> Imports<'_> {
        let mut found = Imports::new();
        for (index, file) in self.files.iter().enumerate() {
            let mut take = |path: &[String], from: usize| {
                let from = &self.files[from].name;
                if *from != file.name {
                    let names = found.entry(&file.name).or_default().entry(from).or_default();
                    names.insert(path.join("::"));
                }
            };
            for import in &file.uses {
                for (path, from) in self.taken(index, import) {
                    take(&path, from);
                }
            }
            for path in &file.paths {
                if let Some(Place::Item(from)) = self.resolve(index, path, &mut Found::new()) {
                    take(path, from);
                }
            }
        }
        found
    }

    /// What an import takes, and from which files.
    fn taken(&self, index: usize, import: &Use) -> Vec<(Path, usize)> {
        let file = &self.files[index];
        let place = self.resolve(index, &import.path, &mut Found::new());
        match (&import.name, place) {
            (_, None) => Vec::new(),
            (Some(name), _)
                if import.is_public && file.is_folder() && !file.words.contains(name) =>
            {
                Vec::new()
            }
            // The paths that go through a folder's module say what is taken from it.
            (Some(_), Some(Place::Module(from))) if self.files[from].is_folder() => Vec::new(),
            (Some(_), Some(Place::Module(from) | Place::Item(from)))
            | (None, Some(Place::Item(from))) => {
                vec![(import.path.clone(), from)]
            }
            (None, Some(Place::Module(module))) => {
                let item = |word: &String| match self.look_up(module, word, &mut Found::new())? {
                    Place::Item(from) => {
                        Some(([&import.path[..], core::slice::from_ref(word)].concat(), from))
                    }
                    Place::Module(_) => None,
                };
                file.words.iter().filter_map(item).collect()
            }
        }
    }

    /// Where `path`, written in file `index`, leads to; `None` if that is outside of this crate.
    fn resolve(&self, index: usize, path: &[String], found: &mut Found) -> Option<Place> {
        let (first, mut rest) = path.split_first()?;
        let mut module = self.files[index].module.clone();
        match first.as_str() {
            "crate" => module.clear(),
            "self" => {}
            "super" => drop(module.pop()),
            _ => rest = path,
        }
        while rest.first().is_some_and(|word| word == "super") {
            module.pop();
            rest = &rest[1..];
        }
        let is_rooted = ROOTS.contains(&first.as_str());
        let mut here = *self.modules.get(&module)?;
        for (place, word) in rest.iter().enumerate() {
            match self.look_up(here, word, found) {
                Some(Place::Module(next)) => here = next,
                Some(item) => return Some(item),
                None if place == 0 && !is_rooted => return None,
                None => return Some(Place::Item(here)),
            }
        }
        Some(Place::Module(here))
    }

    /// What `word` is in the module of file `index`.
    fn look_up(&self, index: usize, word: &str, found: &mut Found) -> Option<Place> {
        let key = (index, word.to_owned());
        if let Some(place) = found.get(&key) {
            return *place;
        }
        found.insert(key.clone(), None);
        let place = self.search(index, word, found);
        found.insert(key, place);
        place
    }

    fn search(&self, index: usize, word: &str, found: &mut Found) -> Option<Place> {
        let file = &self.files[index];
        let child = [&file.module[..], &[word.to_owned()]].concat();
        if let Some(module) = self.modules.get(&child) {
            return Some(Place::Module(*module));
        }
        let mut named = file.uses.iter().filter(|import| import.name.as_deref() == Some(word));
        if let Some(place) = named.find_map(|import| self.resolve(index, &import.path, found)) {
            return Some(place);
        }
        if file.defined.contains(word) {
            return Some(Place::Item(index));
        }
        self.made_known(index, word, found)
    }

    /// What `word` is by one of the imports of all names in file `index`.
    fn made_known(&self, index: usize, word: &str, found: &mut Found) -> Option<Place> {
        let file = &self.files[index];
        let mut modules = Vec::new();
        for import in file.uses.iter().filter(|import| import.name.is_none()) {
            if let Some(Place::Module(module)) = self.resolve(index, &import.path, found) {
                modules.push(module);
            }
        }
        let known = modules.iter().find_map(|module| self.look_up(*module, word, found));
        // What a macro defines is known only by standing there and coming from nowhere else.
        let is_made = |module: &usize| {
            let file = &self.files[*module];
            let is_taken = file.uses.iter().any(|import| import.name.as_deref() == Some(word));
            file.words.contains(word) && !is_taken
        };
        known.or_else(|| modules.into_iter().find(is_made).map(Place::Item))
    }
}

impl File {
    fn read(name: &str, text: &str) -> Self {
        let tokens = tokens(text);
        let mut file = Self {
            name: name.to_owned(),
            module: module_of(name),
            uses: Vec::new(),
            paths: Vec::new(),
            words: BTreeSet::new(),
            defined: BTreeSet::new(),
            open_count: 0,
            inner: Vec::new(),
        };
        let mut rest = &tokens[..];
        while !rest.is_empty() {
            rest = file.item(rest);
        }
        file
    }

    /// Whether it only gathers the modules of its folder.
    fn is_folder(&self) -> bool {
        self.name.ends_with("mod.rs") || self.name == "lib.rs"
    }

    /// Takes what `rest` begins with, and returns what comes after it.
    fn item<'a>(&mut self, rest: &'a [Token]) -> &'a [Token] {
        let Some(word) = rest[0].word() else {
            self.count(&rest[0]);
            return &rest[import_not_built(rest).max(1)..];
        };
        match word {
            "use" => self.import(&rest[1..], false),
            "pub" => {
                let scope = scope(&rest[1..]);
                let behind = &rest[1 + scope..];
                if behind.first().and_then(Token::word) == Some("use") {
                    return self.import(&behind[1..], true);
                }
                // The path of a scope takes nothing.
                behind
            }
            "struct" | "enum" | "trait" | "type" | "fn" | "const" | "static" | "union"
            | "macro_rules" => {
                let name = rest[1..].iter().take(2).find_map(Token::word);
                self.defined.extend(name.map(str::to_owned));
                &rest[1..]
            }
            "mod" => {
                if rest.get(2).is_some_and(|token| token.is('{')) {
                    self.defined.extend(rest[1].word().map(str::to_owned));
                    self.inner.push(self.open_count);
                }
                &rest[2.min(rest.len())..]
            }
            _ => self.path(rest),
        }
    }

    /// Notes where a module inside the file ends.
    fn count(&mut self, token: &Token) {
        if token.is('{') {
            self.open_count += 1;
        } else if token.is('}') {
            self.open_count = self.open_count.saturating_sub(1);
            self.inner.pop_if(|begin| *begin == self.open_count);
        }
    }

    /// A path in a module inside the file, as it is for the file's own module; `None` if it stays inside.
    fn outer(&self, path: &[String]) -> Option<Path> {
        let ups = path.iter().take_while(|word| *word == "super").count();
        let is_inside = self.inner.len() > ups
            && path.first().is_some_and(|word| ROOTS[1..].contains(&word.as_str()));
        if is_inside || path.is_empty() {
            return None;
        }
        let kept = path[ups.min(self.inner.len())..].to_vec();
        let is_own = ups > 0 && ups == self.inner.len();
        Some(if is_own { [vec!["self".to_owned()], kept].concat() } else { kept })
    }

    /// Takes the path or the word that `rest` begins with.
    fn path<'a>(&mut self, mut rest: &'a [Token]) -> &'a [Token] {
        let mut path = Path::new();
        while let Some(word) = rest.first().and_then(Token::word) {
            path.push(word.to_owned());
            rest = &rest[1..];
            if rest.first() != Some(&Token::Colons) {
                break;
            }
            rest = &rest[1..];
        }
        self.words.insert(path[0].clone());
        if path.len() > 1 {
            self.paths.extend(self.outer(&path));
        }
        rest
    }

    /// Takes a name that is imported. What a module inside the file imports is not what the file passes on.
    fn import_one(&mut self, path: &[String], name: Option<String>, is_public: bool) {
        let is_public = is_public && self.inner.is_empty();
        self.uses.extend(self.outer(path).map(|path| Use { path, name, is_public }));
    }

    /// Takes an import up to its semicolon.
    fn import<'a>(&mut self, rest: &'a [Token], is_public: bool) -> &'a [Token] {
        let end = rest.iter().position(|token| token.is(';')).unwrap_or(rest.len());
        let mut tree = &rest[..end];
        self.tree(&mut tree, &[], is_public);
        &rest[end..]
    }

    /// Takes one branch of an import: `a::b`, `a::b as c`, `a::*` or `a::{…}`.
    fn tree(&mut self, rest: &mut &[Token], before: &[String], is_public: bool) {
        let mut path = before.to_vec();
        loop {
            match rest.first() {
                Some(Token::Word(word)) if word == "as" => {
                    let name = rest.get(1).and_then(Token::word).map(str::to_owned);
                    *rest = &rest[2.min(rest.len())..];
                    self.import_one(&path, name, is_public);
                    return;
                }
                Some(Token::Word(word)) => path.push(word.clone()),
                Some(Token::Colons) => {}
                Some(Token::Sign('*')) => {
                    *rest = &rest[1..];
                    self.uses.push(Use { path, name: None, is_public });
                    return;
                }
                Some(Token::Sign('{')) => {
                    *rest = &rest[1..];
                    while rest.first().is_some_and(|token| !token.is('}')) {
                        self.tree(rest, &path, is_public);
                        *rest =
                            &rest[usize::from(rest.first().is_some_and(|token| token.is(',')))..];
                    }
                    *rest = &rest[1.min(rest.len())..];
                    return;
                }
                _ => {
                    if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
                        path.pop();
                    }
                    let name = path.last().cloned();
                    self.import_one(&path, name, is_public);
                    return;
                }
            }
            *rest = &rest[1..];
        }
    }
}

/// How many tokens an import has, with its mark, that only unit tests or the documentation make; 0 if there is none.
fn import_not_built(rest: &[Token]) -> usize {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test doc", ")", "]"];
    let is_marked = rest.len() > MARK.len()
        && rest.iter().zip(MARK).all(|(token, part)| match token {
            Token::Word(word) => part.split(' ').any(|part| part == word),
            Token::Sign(sign) => part.starts_with(*sign),
            Token::Colons => false,
        });
    let end = rest.iter().position(|token| token.is(';'));
    let is_import = |end: usize| rest[..end].iter().any(|token| token.word() == Some("use"));
    match end {
        Some(end) if is_marked && is_import(end) => end + 1,
        _ => 0,
    }
}

/// How many tokens the scope of a `pub` has: `(crate)`, `(in a::b)`, or none.
fn scope(rest: &[Token]) -> usize {
    let words = |token: &Token| token.word().is_some() || *token == Token::Colons;
    match rest.split_first() {
        Some((first, inner)) if first.is('(') => {
            let length = inner.iter().take_while(|token| words(token)).count();
            let begins = inner
                .first()
                .and_then(Token::word)
                .is_some_and(|word| word == "in" || ROOTS.contains(&word));
            if begins && inner.get(length).is_some_and(|token| token.is(')')) {
                length + 2
            } else {
                0
            }
        }
        _ => 0,
    }
}

/// The module that a file is.
fn module_of(name: &str) -> Path {
    let mut words: Path = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if words.last().is_some_and(|word| word == "mod") || words == ["lib"] {
        words.pop();
    }
    words
}
