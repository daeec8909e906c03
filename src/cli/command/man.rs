//! `adsum man`: the manual pages, a page for each command and one for the file of settings, made from their definitions.
//!
//! Must never hold: a command, a flag or a setting.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::serve::{Described, described};
use crate::cli::run::{failure::Failure, invocation::Invocation};

/// The manual that the pages are part of, which stands in the middle of their first line.
const MANUAL: &str = "adsum manual";
const SOURCE: &str = concat!("adsum ", env!("CARGO_PKG_VERSION"));

const EXIT_CODES: [(&str, &str); 6] = [
    ("0", "Done."),
    ("1", "Refused or failed; the reason stands on stderr, with --json as an object with a code."),
    ("2", "Wrong usage."),
    ("3", "The server cannot be reached."),
    ("4", "Not authenticated."),
    (
        "5",
        "A change was asked for, and it is not known whether it was made; the line that repeats it safely stands on stderr.",
    ),
];

const VARIABLES: [(&str, &str); 6] = [
    ("ADSUM_HOME", "The folder of this machine's identities, where no --home is given."),
    ("ADSUM_ANSWER_WITHIN", "How long an answer may take, where no --answer-within is given."),
    ("ADSUM_LOG", "What a server logs, where no --log is given."),
    ("ADSUM_SECTION_KEY", "A setting of a server, such as ADSUM_SERVER_LISTEN; see adsum.toml(5)."),
    ("NO_COLOR", "If it is set and not empty, nothing is coloured unless --color says so."),
    (
        "NOTIFY_SOCKET, WATCHDOG_USEC",
        "Set by a service manager such as systemd, which a server then tells how far it is.",
    ),
];

const FILES: [(&str, &str); 3] = [
    (
        "~/.local/share/adsum",
        "The identities of this machine; $XDG_DATA_HOME/adsum if that is set.",
    ),
    (
        "./adsum-data",
        "The store of a server, where no --data is given; /var/lib/adsum of the service.",
    ),
    ("/etc/adsum/adsum.toml", "The settings of the service, see adsum.toml(5)."),
];

/// Arguments of `adsum man`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Folder to write the pages into; made if it is not there
    dir: PathBuf,
}

/// Runs `adsum man`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let failed = |action, path: &Path, error| Failure::io(action, path, &error);
    fs::create_dir_all(&args.dir).map_err(|error| failed("make", &args.dir, error))?;
    for (name, page) in pages((invocation.program)()) {
        let path = args.dir.join(name);
        fs::write(&path, page).map_err(|error| failed("write", &path, error))?;
        invocation.output.text(&path.display().to_string())?;
    }
    Ok(())
}

/// All pages, each with the name of its file.
fn pages(program: Command) -> Vec<(String, String)> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = vec![(settings_name(), settings())];
    gather(&program, None, &mut pages);
    pages
}

fn gather(command: &Command, above: Option<&str>, pages: &mut Vec<(String, String)>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let page = written(|to| page(command, above, to));
    pages.push((format!("{name}.1"), page));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        gather(below, Some(name), pages);
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut page = Vec::new();
    write(&mut page).expect("memory takes whatever is written");
    String::from_utf8(page).expect("what is defined is text")
}

fn page(command: &Command, above: Option<&str>, to: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone()).source(SOURCE).manual(MANUAL);
    man.render_title(to)?;
    man.render_name_section(to)?;
    man.render_synopsis_section(to)?;
    man.render_description_section(to)?;
    man.render_options_section(to)?;
    if command.has_subcommands() {
        man.render_subcommands_section(to)?;
    }
    let mut more = Roff::new();
    match above {
        None => {
            for (heading, rows) in
                [("EXIT STATUS", &EXIT_CODES[..]), ("ENVIRONMENT", &VARIABLES), ("FILES", &FILES)]
            {
                list(&mut more, heading, rows.iter().copied());
            }
            see_also(&mut more, "adsum.toml(5)");
        }
        Some(above) => {
            if let Some(told) = command.get_after_help() {
                more.control("SH", ["NOTES"]);
                more.text(vec![roman(told.to_string())]);
            }
            see_also(&mut more, &format!("{above}(1)"));
        }
    }
    more.to_writer(to)
}

fn list<'a>(page: &mut Roff, heading: &str, rows: impl Iterator<Item = (&'a str, &'a str)>) {
    page.control("SH", [heading]);
    for (name, told) in rows {
        page.control("TP", []).text(vec![bold(name)]).text(vec![roman(told)]);
    }
}

fn see_also(page: &mut Roff, pages: &str) {
    page.control("SH", ["SEE ALSO"]).text(vec![bold(pages)]);
}

fn settings_name() -> String {
    "adsum.toml.5".to_owned()
}

/// The page about the file of settings.
fn settings() -> String {
    let mut page = Roff::new();
    page.control("TH", ["adsum.toml", "5", "", SOURCE, MANUAL]);
    page.control("SH", ["NAME"]);
    page.text(vec![roman("adsum.toml - settings of an adsum server")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text(about());
    let mut section = "";
    for Described { section: of, key, help, default, variable } in described() {
        if of != section {
            section = of;
            page.control("SH", [format!("[{section}]").as_str()]);
        }
        let default = default.map_or_else(|| "not set".to_owned(), |default| default.to_string());
        page.control("TP", []).text(vec![bold(key), roman(" = "), italic(default)]);
        page.text(vec![roman(help), roman(". Variable: "), bold(variable), roman(".")]);
    }
    page.control("SH", ["EXAMPLES"]);
    page.text(vec![roman("Whether a file is right, and all settings in force as such a file:")]);
    page.control("EX", []);
    page.text(vec![roman("adsum check-config /etc/adsum/adsum.toml")]);
    page.text(vec![roman("adsum serve --config /etc/adsum/adsum.toml --print-config")]);
    page.control("EE", []);
    see_also(&mut page, "adsum-serve(1)");
    written(|to| page.to_writer(to))
}

fn about() -> Vec<Inline> {
    vec![
        roman("A TOML file that "),
        bold("adsum serve --config"),
        roman(
            " reads: sections, and keys in them, each with the value that holds if nothing is said. \
             The environment wins over the file, and flags over both. A name that is not known is an \
             error that names the nearest one that is.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::testing::{each_command, program};

    /// The pages as a reader sees their words: roff writes a hyphen of a flag as `\-`.
    fn shown() -> BTreeMap<String, String> {
        pages(program()).into_iter().map(|(name, page)| (name, page.replace('\\', ""))).collect()
    }

    #[test]
    fn every_command_has_a_page_with_all_that_it_takes() {
        let pages = shown();
        let mut commands = 0;
        each_command(&program(), &mut |path, command| {
            commands += 1;
            let name = format!("{}.1", path.replace(' ', "-"));
            let page = pages.get(&name).unwrap_or_else(|| panic!("no page {name}"));
            for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"SEE ALSO\""] {
                let (_, behind) = page.split_once(&format!(".SH {heading}\n")).unwrap();
                let text = behind.split(".SH").next().unwrap_or_default();
                assert!(text.trim().len() > 10, "{name}: {heading} is empty");
            }
            for argument in command.get_arguments() {
                let long = argument.get_long().map(|long| format!("--{long}"));
                let value = || argument.get_value_names().unwrap()[0].to_string();
                let wanted = long.unwrap_or_else(value);
                assert!(page.contains(&wanted), "{name} says {wanted}");
            }
        });
        assert_eq!(pages.len(), commands + 1, "and one for the settings");
    }

    #[test]
    fn the_page_of_settings_has_each_of_them() {
        let page = &shown()["adsum.toml.5"];
        for setting in described() {
            assert!(page.contains(&setting.variable), "{}", setting.variable);
            assert!(page.contains(setting.help.split('"').next().unwrap()), "{}", setting.help);
        }
    }

    #[test]
    fn the_first_page_has_every_exit_code() {
        let page = &shown()["adsum.1"];
        for (code, told) in EXIT_CODES {
            assert!(page.contains(code) && page.contains(&told.replace('\\', "")), "{code}");
        }
    }
}
