//! RFC 2779 section 3.1: the common presence format, in and out of the service by the commands.
//!
//! Must never hold: a requirement of another section.

use adsum::format::pidf::{self, Pidf, must_ignore};
use adsum::model::{Basic, Presentity};

use crate::processes::Ended;
use crate::world::World;

/// A server with bob who publishes and alice who may see it.
struct Stage(World);

impl Stage {
    fn open() -> Self {
        let world = World::open();
        world.enroll("alice");
        world.enroll("bob");
        world.run("bob", &["rules", "allow", "alice@d.example"]).line();
        Self(world)
    }

    fn publish(&self, pidf: &str) -> Ended {
        self.0.run_with("bob", &["publish", "--pidf", "-"], pidf.as_bytes())
    }

    /// What alice fetches, as it is printed.
    fn fetched(&self) -> String {
        let fetched = self.0.plain("alice", &["fetch", "pres:bob@d.example", "--pidf"]);
        assert_eq!(fetched.exit, 0, "{}", fetched.stderr);
        fetched.stdout
    }

    /// What alice fetches once bob has published this.
    fn through(&self, pidf: &str) -> Pidf {
        self.publish(pidf).line();
        pidf::parse(self.fetched().as_bytes()).unwrap()
    }
}

/// A document of bob with this inside.
fn of_bob(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         entity=\"pres:bob@d.example\">{inside}</presence>\n"
    )
}

/// The texts of all contacts.
fn contacts(pidf: &Pidf) -> Vec<&str> {
    let contacts = pidf.document.tuples().iter().filter_map(|tuple| tuple.contact.as_ref());
    let mut contacts: Vec<_> = contacts.map(|contact| contact.uri.as_text().unwrap()).collect();
    contacts.sort_unstable();
    contacts
}

/// There is a common base format that everybody reads and writes: `application/pidf+xml` goes in by publish and comes
/// out by fetch with all that its schema has.
#[test]
fn r3_1_1_pidf_is_taken_and_given() {
    let stage = Stage::open();
    let given = of_bob(
        "<tuple id=\"desk\"><status><basic>open</basic></status>\
         <contact priority=\"0.8\">im:bob@d.example</contact><note xml:lang=\"fr\">au bureau</note>\
         <timestamp>2026-01-02T03:04:05Z</timestamp></tuple><note>all day</note>",
    );
    let expected = pidf::parse(given.as_bytes()).unwrap();
    let found = stage.through(&given);
    let (expected_tuple, tuple) = (&expected.document.tuples()[0], &found.document.tuples()[0]);
    assert_eq!(tuple.basic, Some(Basic::Open));
    assert_eq!((&tuple.contact, &tuple.notes), (&expected_tuple.contact, &expected_tuple.notes));
    assert_eq!(tuple.timestamp, expected_tuple.timestamp);
    assert_eq!(found.document.notes(), expected.document.notes());
    assert!(stage.fetched().starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence "));
}

/// The format names the presentity: a document without `entity`, or about another than the one published for, is
/// refused and nothing is stored; whatever is given out names whom it is about.
#[test]
fn r3_1_2_a_document_names_its_presentity() {
    let stage = Stage::open();
    stage.publish(&of_bob("<note>before</note>")).line();
    let before = stage.fetched();
    let bob: Presentity = "pres:bob@d.example".parse().unwrap();
    let tuple = "<tuple id=\"a\"><status><basic>open</basic></status></tuple>";
    let nobody = of_bob(tuple).replace(" entity=\"pres:bob@d.example\"", "");
    assert_eq!(stage.publish(&nobody).error(2), "bad-pidf");
    let another = of_bob(tuple).replace("pres:bob", "pres:carol");
    assert_eq!(stage.publish(&another).error(2), "entity-mismatch");
    assert_eq!(stage.fetched(), before, "nothing was stored");
    assert_eq!(pidf::parse(before.as_bytes()).unwrap().entity, bob);
    assert_eq!(stage.through(&of_bob(tuple)).entity, bob);
}

/// The format carries contact data of any kind: electronic mail, telephone, instant message, and a postal address as
/// an extension of a tuple without a contact.
#[test]
fn r3_1_3_contact_data_of_any_kind_is_carried() {
    let stage = Stage::open();
    let tuple = |id: &str, inside: &str| {
        format!("<tuple id=\"{id}\"><status><basic>open</basic></status>{inside}</tuple>")
    };
    let post =
        "<p:postal xmlns:p=\"urn:example:post\"><p:street>1 Rue Élysée</p:street></p:postal>";
    let found = stage.through(&of_bob(
        &[
            tuple("mail", "<contact>mailto:bob@d.example</contact>"),
            tuple("phone", "<contact>tel:+44-1234-567890</contact>"),
            tuple("im", "<contact>im:bob@d.example</contact>"),
            tuple("post", post),
        ]
        .concat(),
    ));
    assert_eq!(
        contacts(&found),
        ["im:bob@d.example", "mailto:bob@d.example", "tel:+44-1234-567890"]
    );
    let markup: Vec<_> = found.document.tuples().iter().flat_map(|tuple| &tuple.markup).collect();
    assert_eq!(markup.len(), 1);
    assert_eq!(markup[0].as_text(), Some(post));
}

/// The format is extended without harm to its common fields: foreign elements at every place where they may stand,
/// chosen at random, are passed on, the base fields read as ever, and `mustUnderstand` is heeded by whoever shows it.
#[test]
fn r3_1_4_extensions_leave_the_common_fields_alone() {
    let stage = Stage::open();
    let mut random = fastrand::Rng::with_seed(crate::support::seed(3_140));
    for round in 0..10 {
        let mut extension = || {
            let number = random.u8(..);
            let text =
                if random.bool() { "<x:deep><x:deeper a='1'>é</x:deeper></x:deep>" } else { "" };
            let element =
                format!("<x:e{number} xmlns:x=\"urn:example:{number}\">{text}</x:e{number}>");
            if random.bool() { element } else { String::new() }
        };
        let parts = [extension(), extension(), extension()];
        let found = stage.through(&of_bob(&format!(
            "<tuple id=\"desk\"><status><basic>closed</basic>{}</status>{}\
             <contact>im:bob@d.example</contact><note>round {round}</note></tuple>{}",
            parts[0], parts[1], parts[2]
        )));
        let tuple = &found.document.tuples()[0];
        assert_eq!(tuple.basic, Some(Basic::Closed));
        assert_eq!(contacts(&found), ["im:bob@d.example"]);
        assert_eq!(tuple.notes[0].text.as_text(), Some(format!("round {round}").as_str()));
        let places = [&tuple.status_markup[..], &tuple.markup[..], found.document.markup()];
        for (part, kept) in parts.iter().zip(places) {
            let kept: String = kept.iter().filter_map(|element| element.as_text()).collect();
            assert_eq!(&kept, part, "passed on byte for byte");
        }
    }
    let demanding = stage.through(&of_bob(
        "<tuple id=\"a\"><status><basic>open</basic><x:y xmlns:x=\"urn:example:y\" \
         mustUnderstand=\"true\"/></status></tuple>",
    ));
    assert!(must_ignore(&demanding.document.tuples()[0]));
}

/// The format builds on work of the IETF: it is that of RFC 3863, and a CIPID card that points to a vCard is kept.
#[test]
fn r3_1_6_work_of_the_ietf_is_built_on() {
    let stage = Stage::open();
    let card = "<c:card xmlns:c=\"urn:ietf:params:xml:ns:pidf:cipid\">\
                http://d.example/~bob/card.vcf</c:card>";
    let found = stage.through(&of_bob(card));
    let markup: Vec<_> = found.document.markup().iter().filter_map(|part| part.as_text()).collect();
    assert_eq!(markup, [card]);
    assert!(stage.fetched().contains("xmlns=\"urn:ietf:params:xml:ns:pidf\""));
}
