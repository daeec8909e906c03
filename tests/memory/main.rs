//! How much memory the state takes by what is in the past, and by who is silent: counted by the allocator, so this is a program of its own.
//!
//! What is counted is what dropping the service gives back, so the disk, which is in memory here, does not count.
//! Must never hold: anything else that runs beside it; one test does all.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod mail;

use adsum::log::memory::MemoryDisk;
use mail::Mail;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The bytes that dropping it gives back.
fn held(mail: Mail) -> usize {
    let Mail { commit, .. } = mail;
    let before = ALLOCATED.current_usage();
    drop(commit);
    before - ALLOCATED.current_usage()
}

/// The bytes that the service on `disk` holds as it is after `more` messages, and as a start makes it.
fn after(disk: &MemoryDisk, people: u32, more: u64) -> [usize; 2] {
    let open = || Mail::open(Box::new(disk.open().unwrap()), people);
    let mut mail = open();
    mail.send(more);
    mail.save();
    let live = held(mail);
    [live, held(open())]
}

fn each(count: u64, [more, less]: [usize; 2]) -> f64 {
    let count = u32::try_from(count).unwrap();
    (f64::from(u32::try_from(more).unwrap()) - f64::from(u32::try_from(less).unwrap()))
        / f64::from(count)
}

#[test]
fn a_message_in_the_past_takes_two_bytes_of_memory_and_who_is_silent_three_hundred() {
    let (disk, few, many) = (MemoryDisk::new(), 20_000, 80_000);
    let (before, behind) = (after(&disk, 50, few), after(&disk, 50, many));
    for (how, [behind, before]) in
        ["live", "started"].into_iter().zip(core::iter::zip(behind, before).map(|(a, b)| [a, b]))
    {
        let bytes = each(many, [behind, before]);
        assert!((0.5..=2.0).contains(&bytes), "{how}: {bytes:.2} bytes for each message");
    }

    let disk = MemoryDisk::new();
    let (before, behind) = (after(&disk, 1_000, 0), after(&disk, 6_000, 0));
    for (how, [behind, before]) in
        ["live", "started"].into_iter().zip(core::iter::zip(behind, before).map(|(a, b)| [a, b]))
    {
        let bytes = each(5_000, [behind, before]);
        assert!((50.0..=300.0).contains(&bytes), "{how}: {bytes:.0} bytes for each principal");
    }
}
