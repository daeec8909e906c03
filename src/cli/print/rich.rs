//! How rich presence is printed: activities, mood and place, persons and devices.
//!
//! Must never hold: a statement that the document does not make.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::cli::print::{
    line::line,
    note::NoteLine,
    text::{quoted, visible_line},
    time::rfc3339,
};
use crate::format::pidf::{Component, Said};

/// Statements of which there may be several values, so that programs always get a list.
const LISTS: [&str; 5] = ["activities", "mood", "place-type", "place-is", "privacy"];
/// What a person writes or a program makes, and so is no name from a list.
const WRITTEN: [&str; 8] =
    ["status-icon", "class", "display-name", "card", "homepage", "icon", "map", "sound"];

/// Statements: for programs a field each, for people words.
#[derive(Clone, Debug)]
pub(super) struct SaidLine(pub(super) Vec<Said>);

line! {
    /// A person or a device.
    pub(super) struct ComponentLine from component: Component {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String> = component.id,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        device_ids: Vec<String> = component.device_ids,
        #[serde(flatten)]
        said: SaidLine = SaidLine(component.said),
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<NoteLine> = component.notes.iter().map(NoteLine::new).collect(),
        #[serde(skip_serializing_if = "Option::is_none")]
        timestamp: Option<String> = component.timestamp.map(rfc3339),
    }
}

impl SaidLine {
    /// Whether people are shown none of it.
    pub(super) fn is_silent(&self) -> bool {
        self.to_string().is_empty()
    }

    /// The statements under each name once, those of the same name put together.
    fn by_name(&self) -> Vec<Said> {
        let mut found: Vec<Said> = Vec::new();
        for said in &self.0 {
            match found.iter_mut().find(|known| known.name == said.name) {
                Some(known) => {
                    known.values.extend_from_slice(&said.values);
                    known.notes.extend_from_slice(&said.notes);
                }
                None => found.push(said.clone()),
            }
        }
        found
    }
}

impl Serialize for SaidLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for said in self.by_name() {
            let name = said.name.replace('-', "_");
            match (LISTS.contains(&said.name), said.values.first()) {
                (true, _) => map.serialize_entry(&name, &said.values)?,
                (false, Some(value)) => match value.parse::<i32>() {
                    Ok(minutes) if said.name == "time-offset" => {
                        map.serialize_entry(&name, &minutes)?;
                    }
                    _ => map.serialize_entry(&name, value)?,
                },
                (false, None) => {}
            }
            let more =
                [("from", &said.from), ("until", &said.until), ("last_input", &said.last_input)];
            for (what, value) in more {
                if let Some(value) = value {
                    map.serialize_entry(&format!("{name}_{what}"), value)?;
                }
            }
            if !said.notes.is_empty() {
                let notes: Vec<NoteLine> = said.notes.iter().map(NoteLine::new).collect();
                map.serialize_entry(&format!("{name}_notes"), &notes)?;
            }
        }
        map.end()
    }
}

impl fmt::Display for SaidLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(words).filter(|text| !text.is_empty()).collect();
        to.write_str(&texts.join(", "))
    }
}

/// A statement for people: a few words, nothing of what is not known.
fn words(said: &Said) -> String {
    let shown = |value: &String| visible_line(&value.replace('-', " "));
    let known = said.values.iter().filter(|value| *value != "unknown");
    let values = known.map(shown).collect::<Vec<_>>().join(", ");
    let label = said.name.replace('-', " ");
    let mut text = match said.name {
        _ if values.is_empty() => String::new(),
        "activities" | "user-input" => values,
        "place-type" => format!("at {values}"),
        "place-is" => format!("place {values}"),
        "time-offset" => format!("{} min from UTC", visible_line(&said.values[0])),
        name if WRITTEN.contains(&name) => format!("{label} {}", quoted(&said.values[0])),
        _ => format!("{label} {values}"),
    };
    for note in &said.notes {
        text.extend([" ", &NoteLine::new(note).to_string()]);
    }
    let times = [(" since ", &said.last_input), (" from ", &said.from), (" until ", &said.until)];
    for (word, time) in times {
        if let Some(time) = time.as_ref().filter(|_| !text.is_empty()) {
            text.extend([word, &visible_line(time)]);
        }
    }
    text.trim_start().to_owned()
}

impl fmt::Display for ComponentLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![self.said.to_string()];
        parts.extend(self.notes.iter().map(NoteLine::to_string));
        parts.extend(self.device_ids.iter().map(|id| visible_line(id)));
        parts.extend(self.timestamp.iter().map(|at| format!("since {at}")));
        parts.retain(|part| !part.is_empty());
        to.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::print::presence::DocumentLine;
    use crate::format::pidf;

    fn shown(inside: &str) -> (String, String) {
        let text = format!(
            "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" \
             xmlns:c=\"urn:ietf:params:xml:ns:pidf:cipid\" entity=\"pres:a@b\">{inside}</presence>"
        );
        let line = DocumentLine::from(&pidf::parse(text.as_bytes()).unwrap().document);
        (line.to_string(), serde_json::to_string(&line).unwrap())
    }

    #[test]
    fn what_a_person_does_is_told_in_words_and_in_fields() {
        let (text, json) = shown(
            "<dm:person id=\"p\"><r:activities><r:note xml:lang=\"nl\">in overleg</r:note><r:on-the-phone/><r:meeting/>\
             </r:activities><r:mood><r:happy/><r:other>sly</r:other></r:mood><r:place-type><office/></r:place-type>\
             <r:place-is><r:audio><r:noisy/></r:audio></r:place-is><r:time-offset>-60</r:time-offset>\
             <r:user-input last-input=\"2026-11-25T08:00:00Z\">idle</r:user-input><dm:note>tot vijf uur</dm:note>\
             <dm:timestamp>2026-11-25T08:00:00Z</dm:timestamp></dm:person>",
        );
        assert_eq!(
            text,
            "no tuples\n  person: on the phone, meeting \"in overleg\" (nl), mood happy, sly, at office, \
             place audio: noisy, -60 min from UTC, idle since 2026-11-25T08:00:00Z \"tot vijf uur\" since 2026-11-25T08:00:00.000Z"
        );
        assert_eq!(
            json,
            r#"{"tuples":[],"persons":[{"id":"p","activities":["on-the-phone","meeting"],"activities_notes":[{"text":"in overleg","lang":"nl"}],"mood":["happy","sly"],"place_type":["office"],"place_is":["audio: noisy"],"time_offset":-60,"user_input":"idle","user_input_last_input":"2026-11-25T08:00:00Z","notes":[{"text":"tot vijf uur"}],"timestamp":"2026-11-25T08:00:00.000Z"}]}"#
        );
    }

    #[test]
    fn tuples_and_devices_say_theirs_and_what_is_unknown_is_left_out_for_people() {
        let (text, json) = shown(
            "<tuple id=\"t\"><status><basic>open</basic><r:activities><r:unknown/></r:activities></status>\
             <r:relationship><r:assistant/></r:relationship><r:class>work</r:class><c:display-name>A \"B\"</c:display-name></tuple>\
             <dm:device id=\"d\"><dm:deviceID>urn:uuid:1</dm:deviceID><r:privacy><r:audio/></r:privacy></dm:device>\
             <r:activities until=\"2026-11-25T09:00:00Z\"><r:away/></r:activities>",
        );
        assert_eq!(
            text,
            "away until 2026-11-25T09:00:00Z open [t] relationship assistant, class \"work\", display name \"A \\\"B\\\"\"\n  \
             device: privacy audio urn:uuid:1"
        );
        for field in [
            r#""activities":["unknown"],"relationship":"assistant","class":"work","display_name":"A \"B\"""#,
            r#""devices":[{"id":"d","device_ids":["urn:uuid:1"],"privacy":["audio"]}]"#,
            r#""activities":["away"],"activities_until":"2026-11-25T09:00:00Z"}"#,
        ] {
            assert!(json.contains(field), "{json}");
        }
    }

    #[test]
    fn drafts_that_are_still_written_are_understood_and_nothing_steers_the_terminal() {
        let (text, json) = shown(
            "<pp:person xmlns:pp=\"urn:ietf:params:xml:ns:pidf:person\" xmlns:ep=\"urn:ietf:params:xml:ns:pidf:rpid:rpid-person\">\
             <status><ep:activities><ep:on-the-phone/></ep:activities></status></pp:person>\
             <dm:person id=\"x\"><r:mood><r:other>&#10;pres:eve@b: open&#x9b;</r:other></r:mood></dm:person><dm:person/>\
             <dm:person xmlns:dm=\"urn:other\"><r:sphere>home</r:sphere></dm:person>",
        );
        assert!(json.contains(r#""persons":[{"activities":["on-the-phone"]},{"id":"x""#), "{json}");
        assert!(text.starts_with("no tuples\n  person: on the phone\n  person: mood "), "{text}");
        assert_eq!(text.lines().count(), 3, "who says nothing is not shown: {text}");
        assert!(!text.contains('\u{9b}'));
    }
}
