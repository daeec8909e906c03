//! The samples of the protocol's nouns, told byte by byte.
//!
//! Must never hold: a sample.

use adsum::protocol::body::{Body, Ext, KindVisitor, visit_kind};
use adsum::wire::{Decoder, Frame, decode};

use super::annotate::{Annotator, Line, Types};
use super::document::layout;

/// An example frame.
pub(crate) struct Sample {
    pub(crate) title: &'static str,
    pub(crate) kind: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) types: Types,
    lines: Vec<Line>,
}

impl Sample {
    /// The block as it stands in the document.
    pub(crate) fn block(&self) -> String {
        format!("```text\n{}```\n", layout(&self.lines))
    }
}

/// The first frame of these bytes.
pub(crate) fn frame(bytes: &[u8]) -> Frame {
    let mut decoder = Decoder::default();
    decoder.push(bytes);
    decoder.next_frame().expect("a sample is a frame").expect("a sample is whole")
}

/// The body of the sample under `title`.
pub(crate) fn body<B: Body>(title: &str) -> B {
    let samples = adsum::protocol::samples();
    let sample = samples.iter().find(|sample| sample.title == title);
    let bytes = &sample.unwrap_or_else(|| panic!("there is no sample {title:?}")).frame;
    decode(&frame(bytes)).expect("a sample decodes")
}

/// Writes a frame anew, and what stands behind its fields.
struct Told<'a>(&'a Frame, &'a [Ext]);

impl KindVisitor for Told<'_> {
    type Output = (&'static str, Annotator);

    fn visit<B: Body>(self) -> (&'static str, Annotator) {
        let mut annotator = Annotator::default();
        let body = decode::<B>(self.0).expect("a sample decodes");
        body.serialize(&mut annotator).expect("bodies hold only what the annotator writes");
        annotator.field("ext", self.1).expect("additions are bytes");
        (B::NAME, annotator)
    }
}

fn told(sample: adsum::protocol::Sample) -> Sample {
    let (title, bytes) = (sample.title, sample.frame);
    let frame = frame(&bytes);
    let told = visit_kind(frame.kind, Told(&frame, &sample.ext));
    let (name, annotator) = told.expect("a sample has a kind");
    let length = Line {
        bytes: bytes[..4].to_vec(),
        text: format!("length of kind and body: {}", bytes.len() - 4),
    };
    let kind = Line {
        bytes: frame.kind.to_be_bytes().to_vec(),
        text: format!("kind {:#06x}: {name}", frame.kind),
    };
    let lines: Vec<Line> = [length, kind].into_iter().chain(annotator.lines).collect();
    let written: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
    assert_eq!(written, bytes, "the two writers disagree on {title}");
    Sample { title, kind: frame.kind, bytes, types: annotator.types, lines }
}

/// Every example.
pub(crate) fn samples() -> Vec<Sample> {
    adsum::protocol::samples().into_iter().map(told).collect()
}
