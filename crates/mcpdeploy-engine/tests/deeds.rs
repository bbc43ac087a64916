//! What can be done to a deployment, and what can go wrong meanwhile: drawn at random, and shrunk.

use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_testkit::{Fault, Moment};
use proptest::prelude::*;

use crate::model::{SLOTS, Slot, Want};

/// One thing that is done.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// The file changes.
    Set(Slot, Want),
    Unset(Slot),
    /// A resource has another address, as the file tells.
    Moved(Slot),
    Plan,
    Apply(Vec<Trouble>),
    Refresh(Vec<Trouble>),
    Destroy(Vec<Trouble>),
    Target(Slot, Vec<Trouble>),
    Replace(Slot, Vec<Trouble>),
    /// `state mv`, `state rm`, `import`.
    Mv(Slot),
    Rm(Slot),
    Import(Slot),
    /// Somebody changes or removes something behind our back.
    Tamper(Slot, u8),
    Vanish(Slot),
}

/// Something goes wrong in a run.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    /// At the call, or the write, of that number.
    pub(crate) at: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Call(Fault),
    /// Killed at a write.
    Killed(Moment),
    /// The disk is full from then on.
    Full,
}

fn trouble() -> impl Strategy<Value = Vec<Trouble>> {
    let fail = |class| Just(What::Call(Fault::Fail(class)));
    let what = prop_oneof![
        3 => Just(What::Call(Fault::CrashBefore)),
        3 => Just(What::Call(Fault::CrashAfter)),
        2 => Just(What::Call(Fault::LoseAnswer)),
        2 => Just(What::Killed(Moment::Before)),
        2 => Just(What::Killed(Moment::After)),
        2 => Just(What::Full),
        3 => fail(FaultClass::Denied),
        1 => fail(FaultClass::Throttled),
        1 => fail(FaultClass::Transient),
        1 => fail(FaultClass::Concurrent),
    ];
    let one = (0_usize..45, what).prop_map(|(at, what)| Trouble { at, what });
    prop::collection::vec(one, 0..3)
}

fn want() -> impl Strategy<Value = Want> {
    (
        0_u8..2,
        0_u8..3,
        prop::option::weighted(0.4, 0..SLOTS),
        0_u8..3,
        0_u16..1 << SLOTS,
    )
        .prop_map(|(zone, text, text_of, size, uses)| Want {
            zone,
            text,
            text_of,
            size,
            uses,
        })
}

pub(crate) fn deed() -> impl Strategy<Value = Deed> {
    let slot = || 0..SLOTS;
    prop_oneof![
        10 => (slot(), want()).prop_map(|(slot, want)| Deed::Set(slot, want)),
        3 => slot().prop_map(Deed::Unset),
        1 => slot().prop_map(Deed::Moved),
        1 => Just(Deed::Plan),
        8 => trouble().prop_map(Deed::Apply),
        1 => trouble().prop_map(Deed::Refresh),
        1 => trouble().prop_map(Deed::Destroy),
        2 => (slot(), trouble()).prop_map(|(slot, t)| Deed::Target(slot, t)),
        2 => (slot(), trouble()).prop_map(|(slot, t)| Deed::Replace(slot, t)),
        2 => slot().prop_map(Deed::Mv),
        2 => slot().prop_map(Deed::Rm),
        1 => slot().prop_map(Deed::Import),
        1 => (slot(), 0_u8..4).prop_map(|(slot, text)| Deed::Tamper(slot, text)),
        1 => slot().prop_map(Deed::Vanish),
    ]
}
