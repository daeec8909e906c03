//! Names that are made to be taken for others: what a new account may be called.
//!
//! Must never hold: what an address may be (a name that exists is read as it is).

use adsum::event::{Event, KeyEnrolled};
use adsum::model::{DeviceLabel, NameRule, Principal, Refusal, RefusalCode, Role};
use adsum::service::{Reply, Service};
use adsum::view::Views;
use proptest::prelude::*;

use crate::world::recovering::{invite, recovery};
use crate::world::{World, actor, config, key};

/// What becomes of somebody who wants to be called `name` under open enrolment.
fn comes(world: &mut World, name: &str) -> Result<Reply, Refusal> {
    let principal: Principal = format!("{name}@d.example").parse()?;
    let label = DeviceLabel::new("").unwrap();
    let enroll = Some(adsum::service::Enroll { invite: None, label });
    world.enter(adsum::service::Hello { principal, key: key(name), enroll })
}

/// The rule that `name` breaks; none if it is let in.
fn rule(world: &mut World, name: &str) -> Option<NameRule> {
    match comes(world, name) {
        Ok(_) => None,
        Err(Refusal::NameRefused { rule, .. }) => Some(rule),
        Err(other) => panic!("{name} was answered {other}"),
    }
}

#[test]
fn names_of_one_script_and_of_those_that_are_written_together_are_let_in() {
    let mut world = World::with(&[]);
    for name in [
        "alice",
        "o'brien",
        "a.b-c_d+e",
        "bob7",
        "élise",
        "straße",
        "søren",
        "алиса",
        "ελλάδα",
        "שלום",
        "مريم",
        "महेश",
        "สมชาย",
        "한국어",
        "山田太郎",
        "やまだ",
        "ヤマダー",
        "山田たろう",
        "tanaka.タナカ",
        "木村kimura",
        "김kim",
        "王wang",
        "ไทยabc",
        "देवdeva",
        "شيماء٣",
        "लेखा७",
        "мария2",
        "ひらがな々",
    ] {
        assert_eq!(rule(&mut world, name), None, "{name}");
    }
}

#[test]
fn names_that_mix_what_is_not_written_together_are_refused_with_the_rule() {
    let mut world = World::with(&[]);
    for (name, broken) in [
        // Cyrillic and Greek letters among Latin ones.
        ("аlice", NameRule::Scripts),
        ("jоhn", NameRule::Scripts),
        ("pаypal", NameRule::Scripts),
        ("αlice", NameRule::Scripts),
        ("bοb", NameRule::Scripts),
        ("мαша", NameRule::Scripts),
        ("тaнька", NameRule::Scripts),
        ("かな한글", NameRule::Scripts),
        ("देवไทย", NameRule::Scripts),
        // Digits of two systems.
        ("मेरा1२", NameRule::Digits),
        ("ไทย1๒", NameRule::Digits),
        // What names are not written with.
        ("i❤you", NameRule::Characters),
        ("bob🙂", NameRule::Characters),
        ("ꓐob", NameRule::Characters),
        ("ᚨlice", NameRule::Characters),
        ("ʟice", NameRule::Characters),
        ("a―b", NameRule::Characters),
    ] {
        assert_eq!(rule(&mut world, name), Some(broken), "{name}");
    }
}

#[test]
fn what_is_not_seen_is_no_part_of_a_name() {
    let mut world = World::with(&["alice"]);
    let unseen = "\u{200b}\u{200c}\u{200d}\u{2060}\u{ad}\u{34f}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{180e}\u{feff}\
                  \u{fe0f}\u{fe00}\u{e0100}\u{e0061}\u{202e}\u{2066}\u{2800}\u{17b4}\u{1d173}";
    for character in unseen.chars() {
        for name in
            [format!("al{character}ice"), format!("alice{character}"), format!("한{character}글")]
        {
            let refused = comes(&mut world, &name).unwrap_err().code();
            let expected = [RefusalCode::BadAddress, RefusalCode::NameRefused];
            assert!(expected.contains(&refused), "U+{:04X}: {refused:?}", u32::from(character));
        }
    }
}

#[test]
fn writing_that_changes_its_place_is_no_name() {
    let mut world = World::with(&[]);
    for name in ["שלוםabc", "abcשלום", "alice١", "א1א١"] {
        assert!(comes(&mut world, name).is_err(), "{name}");
    }
}

#[test]
fn a_look_alike_of_somebody_of_the_domain_is_refused_and_not_of_somebody_elsewhere() {
    let taken = ["mary", "alice1", "росс", "paul", "ぺ", "élodie"];
    let alike = ["rnary", "alicel", "pocc", "раul", "ペ", "e\u{301}lodie"];
    let mut world = World::with(&[]);
    for name in taken {
        assert_eq!(rule(&mut world, name), None, "{name}");
    }
    assert_eq!(rule(&mut world, "rnary"), Some(NameRule::LookAlike));
    assert_eq!(rule(&mut world, "alicel"), Some(NameRule::LookAlike));
    assert_eq!(rule(&mut world, "pocc"), Some(NameRule::LookAlike), "Latin for Cyrillic");
    let other = comes(&mut world, alike[3]).unwrap_err();
    assert_eq!(other.code(), RefusalCode::NameRefused, "mixed, and alike");
    assert_eq!(rule(&mut world, alike[4]), Some(NameRule::LookAlike), "Katakana for Hiragana");
    assert_eq!(comes(&mut world, alike[5]).unwrap_err().code(), RefusalCode::NameTaken, "the same");
    let told = comes(&mut world, "rnary").unwrap_err().to_string();
    assert!(told.contains("rnary@d.example") && told.contains("look-alike"), "{told}");
    assert!(!told.contains("mary@") || told.contains("rnary@"), "it is not told whose");
    world.administrator("mary@e.example");
    let root = world.administrator("root@d.example");
    let create = adsum::protocol::Administration::CreateDomain("e.example".parse().unwrap());
    world.ask(&root, crate::world::recovering::administer(create)).unwrap();
    let elsewhere: Principal = "alicel@e.example".parse().unwrap();
    let label = DeviceLabel::new("").unwrap();
    let enroll = Some(adsum::service::Enroll { invite: None, label });
    let hello = adsum::service::Hello { principal: elsewhere, key: key("elsewhere"), enroll };
    assert!(world.enter(hello).is_ok());
}

#[test]
fn an_invite_for_such_a_name_is_refused_as_it_is_made_and_as_it_is_used() {
    let mut world = World::with(&["mary"]);
    let root = world.administrator("root@d.example");
    for name in ["rnary", "аlice", "मेरा1२"] {
        let refused = world.ask(&root, invite(1, name)).unwrap_err().code();
        assert_eq!(refused, RefusalCode::NameRefused, "{name}");
    }
    world.ask(&root, invite(1, "tirn")).unwrap();
    world.enroll("tim", "tim").unwrap();
    let refused = world.enters("tirn", "tirn", 1).unwrap_err().code();
    assert_eq!(refused, RefusalCode::NameRefused, "meanwhile somebody else came");
}

/// A world in which `names` came while there was no rule.
fn older(names: &[&str]) -> World {
    let mut world = World::with(&["root"]);
    for name in names {
        let principal = Principal::recorded(&format!("{name}@d.example")).unwrap();
        let (label, role) = (DeviceLabel::new("").unwrap(), Role::User);
        let event = KeyEnrolled { principal, key: key(name), label, role, invite: None };
        let now = world.now;
        world.service.record(now, vec![Event::KeyEnrolled(event)]);
    }
    world.pass(crate::world::seconds(1));
    world
}

#[test]
fn names_that_exist_stay_and_get_further_devices() {
    let names = ["аlice", "alice", "i❤you", "rnary", "mary"];
    for is_loaded in [false, true] {
        let mut world = older(&names).restarted(is_loaded);
        for (number, name) in (1..).zip(names) {
            assert!(world.welcomed(name, name).is_none(), "it comes in: {name}");
            world.ask(&actor(name), invite(number, name)).unwrap();
            world.enters(name, &format!("{name} phone"), number).unwrap();
        }
        let root = world.administrator("boss@d.example");
        world.ask(&root, recovery(99, "i❤you")).unwrap();
        assert_eq!(rule(&mut world, "rnаry"), Some(NameRule::Scripts));
        assert_eq!(rule(&mut world, "mагу"), Some(NameRule::Scripts));
        let taken = world.enroll("alice", "another").unwrap_err().code();
        assert_eq!(taken, RefusalCode::NameTaken);
    }
}

#[test]
fn who_looks_like_whom_is_known_after_a_restart() {
    let mut world = World::with(&[]);
    comes(&mut world, "mary").unwrap();
    for is_loaded in [false, true] {
        let mut again = world.restarted(is_loaded);
        assert_eq!(rule(&mut again, "rnary"), Some(NameRule::LookAlike));
        assert_eq!(rule(&mut again, "maria"), None);
    }
}

/// Letters of which many look like others, by script: Latin, Cyrillic, Greek, Armenian, Cherokee, Hebrew, Arabic, Thai, kana.
const LETTERS: [&str; 10] = [
    "abcdefghijklmnopqrstuvwxyz019éøßı",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяѕіј",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "աբգդեզէըօս",
    "ꭰꭱꭲꭺ",
    "אבגדהוזחט",
    "ابتثجحخدذر",
    "กขคงจฉช",
    "あいうへぺり",
    "アイウヘペリ",
];

fn any_name() -> impl Strategy<Value = String> {
    let script = prop::sample::select(LETTERS.to_vec());
    let letter =
        script.prop_flat_map(|letters| prop::sample::select(letters.chars().collect::<Vec<_>>()));
    let one = prop::sample::select(LETTERS.to_vec()).prop_flat_map(|letters| {
        let letters: Vec<char> = letters.chars().collect();
        prop::collection::vec(prop::sample::select(letters), 1..6)
    });
    prop_oneof![3 => one, 1 => prop::collection::vec(letter, 1..6)]
        .prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whoever comes, no two that are let in look alike by the tables of Unicode, and each is of scripts that go together.
    #[test]
    fn no_two_that_are_let_in_look_alike(names in prop::collection::vec(any_name(), 1..30)) {
        use unicode_security::{RestrictionLevel, RestrictionLevelDetection as _, skeleton};
        let mut world = World::with(&[]);
        let mut looks = std::collections::BTreeMap::new();
        for name in names {
            let answer = comes(&mut world, &name);
            let Ok(Reply::Entered { actor, enrolled, .. }) = answer else { continue };
            let local = actor.principal.local().to_owned();
            prop_assert!(local.as_str().check_restriction_level(RestrictionLevel::ModeratelyRestrictive));
            let look: String = skeleton(&local).collect();
            if let Some(before) = looks.insert(look, local.clone()) {
                prop_assert!(before == local && !enrolled, "{} and {}", before, local);
            }
        }
    }
}

#[test]
fn every_name_is_folded_to_views_that_know_its_look() {
    let world = older(&["mary", "paul"]);
    let mut views = Views::default();
    world.log.iter().for_each(|recorded| views.apply(recorded));
    for (name, is_taken) in [("rnary", true), ("paul", true), ("pau1", true), ("peter", false)] {
        let principal: Principal = format!("{name}@d.example").parse().unwrap();
        assert_eq!(views.has_look_of(&principal), is_taken, "{name}");
    }
    drop(Service::new(config(), views));
}
