//! Spellings that are one account, and such as are none.
//!
//! Must never hold: a way round [`Principal`]'s own reading.

use adsum::model::Principal;

fn principal(text: &str) -> Principal {
    text.parse().unwrap()
}

#[test]
fn equal_looking_spellings_are_one_account() {
    for (account, spellings) in [
        ("alice@d.example", &["ａlice@d.example", "ＡＬＩＣＥ@D.example", "𝐚𝓵ⅰ𝕔ｅ@d.example"][..]),
        ("alice@d.example", &["alice@ｄ.example", "alice@d。example", "alice@D．EXAMPLE"]),
        ("alice@xn--bcher-kva.example", &["alice@bücher.example", "alice@BU\u{308}CHER.example"]),
        ("a.b@d.example", &["a．b@d.example", "a。b@d.example", "a｡b@d.example"]),
        ("fi2@d.example", &["ﬁ²@d.example", "ﬁ２@d.example"]),
        ("strasse@d.example", &["STRASSE@d.example", "straße@d.example", "STRAẞE@d.example"]),
        ("σισ@d.example", &["ΣΙΣ@d.example", "σις@d.example"]),
        ("ibrahim@d.example", &["İBRAHIM@d.example", "I\u{307}brahim@d.example"]),
        ("íj@d.example", &["İ\u{301}J\u{307}@d.example"]),
        ("élise@d.example", &["e\u{301}lise@d.example", "ÉLISE@d.example"]),
        ("ω@d.example", &["\u{2126}@d.example", "Ω@d.example"]),
        ("åk@d.example", &["\u{212b}\u{212a}@d.example", "A\u{30a}K@d.example"]),
        ("ガ@d.example", &["ｶﾞ@d.example", "カ\u{3099}@d.example"]),
        ("각@d.example", &["\u{1100}\u{1161}\u{11a8}@d.example"]),
        ("ｎ\u{4d}@d.example", &["nm@d.example"]),
    ] {
        for spelling in spellings {
            assert_eq!(principal(spelling), principal(account), "{spelling}");
        }
    }
    for apart in ["alіce@d.example", "álice@d.example", "alıce@d.example"] {
        assert_ne!(principal(apart), principal("alice@d.example"), "{apart}");
    }
}

#[test]
fn names_of_many_scripts_are_accounts() {
    for name in [
        "东京支店",
        "東京",
        "иван",
        "أحمد",
        "משה",
        "สมชำย",
        "ຄຳ",
        "राम",
        "김철수",
        "ნინო",
        "o'brien",
        "a_b-c",
    ] {
        let account = principal(&format!("{name}@d.example"));
        assert_eq!(principal(account.account()), account);
    }
}

#[test]
fn what_cannot_be_read_as_it_is_seen_is_refused() {
    for (local, part) in [
        ("a\u{200d}b", "may not hold U+200D"),
        ("a\u{202e}b", "may not hold U+202E"),
        ("a\u{feff}b", "may not hold U+FEFF"),
        ("a\u{3164}b", "may not hold U+3164"),
        ("a\u{3000}b", "may not hold U+3000"),
        ("a\u{a0}b", "may not hold U+00A0"),
        ("a＠b", "may not hold '@'"),
        ("a\u{37e}b", "may not hold ';'"),
        ("\u{301}a", "begins with a mark"),
        ("אa", "mixes directions"),
        ("aא1b", "mixes directions"),
        ("a\u{378}b", "holds what is no character"),
        ("a\u{e000}b", "holds what is no character"),
        ("a\u{fdd0}b", "holds what is no character"),
    ] {
        let message = format!("{local}@d.example").parse::<Principal>().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    for domain in ["d.example.", "d.example。", "."] {
        let message = format!("a@{domain}").parse::<Principal>().unwrap_err().to_string();
        assert!(message.contains("ends in a dot; leave that out"), "{message}");
    }
}
