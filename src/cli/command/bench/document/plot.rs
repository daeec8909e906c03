//! One plot of lines as SVG: a title, two axes, and a line with marks for each series, named where it ends.
//!
//! Must never hold: what is plotted, see `plots`.

use std::fmt::Write as _;

/// Size of the picture, and of what surrounds the field.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
/// Colours that can be told apart by those who see few of them (Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
/// About so many lines of a grid.
const STEPS: f64 = 6.0;
/// Names of series are so far apart at least.
const NAME_HEIGHT: f64 = 16.0;

/// What is to be seen.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) across: Axis,
    pub(super) up: Axis,
    pub(super) series: Vec<Series>,
}

/// What an axis counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) name: &'static str,
    /// Whether ten times as much is always as far away. A linear axis begins at zero.
    pub(super) is_logarithmic: bool,
}

/// Points in order, and their name.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

impl Plot {
    /// The picture. Nothing if there is nothing to show.
    pub(super) fn svg(&self) -> Option<String> {
        let all = || self.series.iter().flat_map(|series| &series.points);
        let across = Span::of(self.across, all().map(|point| point.0))?;
        let up = Span::of(self.up, all().map(|point| point.1))?;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
        );
        text(&mut svg, (LEFT, 28.0), "start", 15, self.title);
        grid(&mut svg, &across, &up);
        text(
            &mut svg,
            ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 16.0),
            "middle",
            12,
            self.across.name,
        );
        text(&mut svg, (LEFT, TOP - 8.0), "middle", 12, self.up.name);
        let place = |point: &(f64, f64)| (x(across.share(point.0)), y(up.share(point.1)));
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let places: Vec<(f64, f64)> = series.points.iter().map(place).collect();
            line(&mut svg, &places, colour);
        }
        self.names(&mut svg, place);
        svg.push_str("</svg>\n");
        Some(svg)
    }

    /// The name of each series beside its last point, moved down where it would lie on another.
    fn names(&self, svg: &mut String, place: impl Fn(&(f64, f64)) -> (f64, f64)) {
        let ends = self.series.iter().zip(COLOURS.iter().cycle());
        let ends = ends.filter_map(|(series, colour)| {
            Some((place(series.points.last()?), series.name, colour))
        });
        let mut ends: Vec<_> = ends.collect();
        ends.sort_by(|one, other| one.0.1.total_cmp(&other.0.1));
        let mut lowest = f64::MIN;
        for ((_, at), name, colour) in ends {
            lowest = at.max(lowest + NAME_HEIGHT);
            let x = WIDTH - RIGHT + 10.0;
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
                lowest + 4.0,
                escaped(name)
            )
            .expect("writing to a string cannot fail");
        }
    }
}

/// From where to where an axis goes.
#[derive(Clone, Copy, Debug)]
struct Span {
    min: f64,
    max: f64,
    is_logarithmic: bool,
}

impl Span {
    /// Of an axis that shows all of `values`, with whole steps at its ends. Nothing if there are none that it can show.
    fn of(axis: Axis, values: impl Iterator<Item = f64>) -> Option<Self> {
        let is_logarithmic = axis.is_logarithmic;
        let shown = values.filter(|value| value.is_finite() && (*value > 0.0 || !is_logarithmic));
        let ends = shown.fold(None, |ends: Option<(f64, f64)>, value| {
            let (min, max) = ends.unwrap_or((value, value));
            Some((min.min(value), max.max(value)))
        });
        let (min, max) = ends?;
        if is_logarithmic {
            let (min, max) = (10_f64.powf(min.log10().floor()), 10_f64.powf(max.log10().ceil()));
            let max = if max > min { max } else { min * 10.0 };
            return Some(Self { min, max, is_logarithmic });
        }
        let (min, max) = (min.min(0.0), max.max(f64::MIN_POSITIVE));
        let step = step(max - min);
        Some(Self {
            min: (min / step).floor() * step,
            max: (max / step).ceil() * step,
            is_logarithmic,
        })
    }

    /// How far along the axis `value` lies, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let share = if self.is_logarithmic {
            (value.max(self.min) / self.min).log10() / (self.max / self.min).log10()
        } else {
            (value - self.min) / (self.max - self.min)
        };
        share.clamp(0.0, 1.0)
    }

    /// Where the lines of the grid lie.
    fn steps(&self) -> Vec<f64> {
        let step = step(self.max - self.min);
        let next =
            |value: &f64| Some(if self.is_logarithmic { value * 10.0 } else { value + step });
        std::iter::successors(Some(self.min), next)
            .take_while(|value| *value <= self.max * 1.000_1)
            .collect()
    }
}

/// A round number of which about [`STEPS`] make `length`.
fn step(length: f64) -> f64 {
    let least = length / STEPS;
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least);
    factor.unwrap_or(10.0) * power
}

fn x(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn y(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

fn grid(svg: &mut String, across: &Span, up: &Span) {
    let mut rule = |from: (f64, f64), to: (f64, f64)| {
        writeln!(
            svg,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
            from.0, from.1, to.0, to.1
        )
        .expect("writing to a string cannot fail");
    };
    let (columns, rows) = (across.steps(), up.steps());
    for value in &columns {
        let x = x(across.share(*value));
        rule((x, y(0.0)), (x, y(1.0)));
    }
    for value in &rows {
        let y = y(up.share(*value));
        rule((x(0.0), y), (x(1.0), y));
    }
    for value in columns {
        text(svg, (x(across.share(value)), y(0.0) + 18.0), "middle", 12, &short(value));
    }
    for value in rows {
        text(svg, (LEFT - 8.0, y(up.share(value)) + 4.0), "end", 12, &short(value));
    }
}

fn line(svg: &mut String, places: &[(f64, f64)], colour: &str) {
    let points: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let points = points.join(" ");
    let write = "writing to a string cannot fail";
    writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    )
    .expect(write);
    for (x, y) in places {
        writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>")
            .expect(write);
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, size: u32, words: &str) {
    let words = escaped(words);
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{words}</text>")
        .expect("writing to a string cannot fail");
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}

/// A number beside an axis: no more digits than a step has.
fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 1_000_000.0 => format!("{}M", trimmed(value / 1_000_000.0)),
        large if large >= 1_000.0 => format!("{}k", trimmed(value / 1_000.0)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: &[(f64, f64)], is_logarithmic: bool) -> Plot {
        Plot {
            title: "a < b & c",
            across: Axis { name: "load", is_logarithmic: false },
            up: Axis { name: "ms", is_logarithmic },
            series: vec![
                Series { name: "p50", points: points.to_vec() },
                Series {
                    name: "p99",
                    points: points.iter().map(|(x, y)| (*x, y * 10.0)).collect(),
                },
            ],
        }
    }

    #[test]
    fn every_point_is_there_and_lies_in_the_field() {
        let points: Vec<(f64, f64)> =
            (1..=9).map(|part| (f64::from(part) * 1_000.0, 0.2 * f64::from(part))).collect();
        for is_logarithmic in [false, true] {
            let svg = plot(&points, is_logarithmic).svg().unwrap();
            let document = roxmltree::Document::parse(&svg).unwrap();
            let marks: Vec<_> =
                document.descendants().filter(|node| node.has_tag_name("circle")).collect();
            assert_eq!(marks.len(), 18);
            for mark in marks {
                let at = |name| mark.attribute(name).unwrap().parse::<f64>().unwrap();
                assert!((LEFT..=WIDTH - RIGHT).contains(&at("cx")), "{mark:?}");
                assert!((TOP..=HEIGHT - BOTTOM).contains(&at("cy")), "{mark:?}");
            }
            assert!(svg.contains("a &lt; b &amp; c"));
        }
    }

    #[test]
    fn more_lies_further_along_and_higher() {
        let svg = plot(&[(1.0, 1.0), (2.0, 2.0)], true).svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let mut marks = document.descendants().filter(|node| node.has_tag_name("circle"));
        let [first, second] = [marks.next().unwrap(), marks.next().unwrap()];
        let at = |mark: roxmltree::Node<'_, '_>, name| {
            mark.attribute(name).unwrap().parse::<f64>().unwrap()
        };
        assert!(at(first, "cx") < at(second, "cx") && at(first, "cy") > at(second, "cy"));
    }

    #[test]
    fn axes_have_round_steps() {
        let steps = [7.0, 60.0, 0.9, 13_000.0].map(|length| short(step(length)));
        assert_eq!(steps, ["2", "10", "0.2", "5k"]);
        assert_eq!([0.05, 5.0, 1_500.0, 2_000_000.0].map(short), ["0.05", "5", "1.5k", "2M"]);
    }

    #[test]
    fn nothing_makes_no_plot() {
        assert_eq!(plot(&[], false).svg(), None);
        assert_eq!(plot(&[(1.0, 0.0)], true).svg(), None);
    }
}
