//! What happens to the clocks of a world's server, one thing for each row of the table in `docs/GUARANTEES.md`, and more.
//!
//! Must never hold: what the server makes of it.

use super::lots::Lots;
use super::plan::choose;
use super::server::Server;
use super::trace::note;
use super::world::Scene;

/// What most wall clocks show at first.
const BEGINS_MS: u64 = 1_767_225_600_000;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
/// By how much a wall clock is set: always further than may stay unsaid, however far it strayed before.
const STEPS: [i64; 4] = [5 * SECOND, 120 * SECOND, DAY, 20 * YEAR];
/// Stretches in which nobody asks for anything, so that a slow clock goes wrong by more than a little.
const QUIET_HOURS: u32 = 4;

/// The rows of the table, as the tests of `tests/service/clocks.rs` are named.
pub(crate) const ROWS: [&str; 10] = [
    "set_back",
    "set_ahead",
    "set_for_a_second",
    "smeared",
    "suspended",
    "year_2038",
    "year_2106",
    "down_and_back_on_another_boot",
    "down_and_set_back",
    "down_and_set_ahead",
];

/// What happens besides: what a restart on another boot has to believe, and steps too small to be told.
pub(crate) const BESIDES: [&str; 3] =
    ["set_a_little", "set_back_on_another_boot", "set_ahead_on_another_boot"];

/// Things that happen to the clocks of a world, and when.
#[derive(Clone, Debug)]
pub(crate) struct Acts {
    /// At which ticks, by the names of the rows, the first one last.
    planned: Vec<(u32, &'static str)>,
    /// The second that the clock passes as the world's time passes it, and what that is called.
    passes: Option<(u64, &'static str)>,
    /// What the wall clock shows at first.
    pub(crate) begins_ms: u64,
    /// When a bad second is over, and by how much the clock is set then.
    returns: Option<(u64, i64)>,
    hours: u32,
}

impl Acts {
    /// Nothing happens to the clocks.
    pub(crate) fn none() -> Self {
        let (planned, passes, returns, hours) = (Vec::new(), None, None, 0);
        Self { planned, passes, begins_ms: BEGINS_MS, returns, hours }
    }

    /// Those of a world that lasts about `ticks` times `tick_ms`.
    pub(crate) fn new(rng: &mut Lots, ticks: u32, tick_ms: u64) -> Self {
        let mut acts = Self::none();
        for _ in 0..rng.usize(..6) {
            let rows: Vec<_> = ROWS.iter().chain(&BESIDES).copied().collect();
            acts.planned.push((rng.u32(..ticks), *choose(rng, &rows)));
        }
        let half = u64::from(ticks) / 2 * tick_ms;
        for (name, seconds) in [("year_2038", 1_u64 << 31), ("year_2106", 1 << 32)] {
            if let Some(planned) = acts.planned.iter_mut().find(|(_, row)| *row == name) {
                acts.passes = Some((seconds * 1_000, name));
                acts.begins_ms = seconds * 1_000 - half;
                *planned = (ticks / 4, if name == "year_2106" { "set_back" } else { name });
            }
        }
        acts.planned.retain(|(_, row)| !row.starts_with("year"));
        acts.planned.sort_unstable_by_key(|(at, _)| core::cmp::Reverse(*at));
        acts
    }

    /// One moment: what is due happens.
    pub(crate) fn live(&mut self, tick: u32, (scene, server): (&mut Scene, &mut Server)) {
        if let Some((_, name)) = self.passes.take_if(|(at, _)| *at <= scene.right_ms()) {
            scene.acted(name);
        }
        if self.hours > 0 && scene.rng.u8(..10) == 0 {
            self.hours -= 1;
            let quiet = scene.rng.u64(1_200_000..2_400_000);
            scene.pass(quiet);
        }
        // One after the other, each once the log knows the one before: else a restart on another boot may have to believe
        // a leap over years, after which nothing is remembered.
        if server.process.is_none() || !scene.oracle.timeline.is_told(scene.look()) {
            return;
        }
        if let Some((_, by)) = self.returns.take_if(|(at, _)| *at <= scene.now) {
            scene.set_clock(by);
        } else if let Some((_, name)) = self.planned.pop_if(|(at, _)| *at <= tick) {
            self.act(name, scene, server);
        }
    }

    fn act(&mut self, name: &'static str, scene: &mut Scene, server: &mut Server) {
        note!(scene.trace, "the clock: {name}");
        scene.acted(name);
        let step = *choose(&mut scene.rng, &STEPS);
        match name {
            "set_back" => scene.set_clock(-step),
            "set_ahead" => scene.set_clock(step),
            "set_a_little" => {
                let little = scene.rng.i64(-1_500..1_500);
                scene.set_clock(little);
            }
            "set_for_a_second" if self.returns.is_none() => {
                let by = if scene.rng.bool() { step } else { -step };
                scene.set_clock(by);
                self.returns = Some((scene.now + 1_000, -by));
            }
            "smeared" => {
                let ppm = scene.rng.i64(300..900);
                scene.machine.drift(if scene.rng.bool() { ppm } else { -ppm });
                self.hours = QUIET_HOURS;
            }
            "suspended" => sleep(scene),
            "down_and_back_on_another_boot" => down(scene, server, (0, true)),
            "down_and_set_back" => down(scene, server, (-step, false)),
            "down_and_set_ahead" => down(scene, server, (step, false)),
            "set_back_on_another_boot" => down(scene, server, (-step, true)),
            "set_ahead_on_another_boot" => down(scene, server, (step.min(HOUR), true)),
            _ => {}
        }
    }
}

/// Nothing runs for a while. The wall clock of some machines stands meanwhile.
fn sleep(scene: &mut Scene) {
    let most = *choose(&mut scene.rng, &[4_000, 60_000, 7_200_000]);
    let asleep = scene.rng.u64(1_000..most);
    scene.pass(asleep);
    if scene.rng.bool() {
        scene.set_clock(-i64::try_from(asleep).expect("two hours are short"));
    }
}

/// The server dies, and its clock is set, before it comes back; on a machine that was booted anew, if `boots`.
fn down(scene: &mut Scene, server: &mut Server, (by, boots): (i64, bool)) {
    server.crash(scene);
    if boots {
        scene.machine.restart();
    }
    if by != 0 {
        scene.set_clock(by);
    }
    if scene.rng.bool() {
        let down = scene.rng.u64(..600_000);
        scene.pass(down);
    }
}
