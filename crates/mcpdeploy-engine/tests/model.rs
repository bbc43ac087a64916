//! What the cloud must have in the end, worked out without the engine: a few places for resources,
//! what is wanted in each, and what that means for the objects of the cloud.

use std::collections::{BTreeMap, BTreeSet};

use mcpdeploy_engine::address::Address;
use mcpdeploy_testkit::{FakeCloud, Object, Stack};
use serde_json::json;

use crate::support::address;

/// A place for a resource. What is there refers only to places before it.
pub(crate) type Slot = usize;

pub(crate) const SLOTS: usize = 9;

/// What can be in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Has a name that changes with its zone.
    Named,
    /// Has one that does not.
    Fixed,
    Tagged,
    Child(Slot),
    Version(Slot),
    Data,
}

pub(crate) const SHAPES: [Shape; SLOTS] = [
    Shape::Data,
    Shape::Named,
    Shape::Tagged,
    Shape::Fixed,
    Shape::Child(1),
    Shape::Child(3),
    Shape::Tagged,
    Shape::Child(5),
    Shape::Version(3),
];

/// What is wanted in a place.
#[derive(Debug, Clone)]
pub(crate) struct Want {
    pub(crate) zone: u8,
    pub(crate) text: u8,
    /// The text is that of the place with this number, if that has one.
    pub(crate) text_of: Option<Slot>,
    /// 0: not said.
    pub(crate) size: u8,
    /// One bit a place.
    pub(crate) uses: u16,
}

/// What is wanted, and what is there without the state's knowledge.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    wants: [Option<Want>; SLOTS],
    /// Under which of its two names each one is.
    other_name: [bool; SLOTS],
    /// Moves that the file tells of.
    moved: BTreeMap<Slot, (Address, Address)>,
    /// Removed from the state by hand, and still wanted.
    pub(crate) forgotten: BTreeSet<Slot>,
    /// Has had another name since all was as wanted: its tags may still be those of the old one.
    renamed: BTreeSet<Slot>,
    /// Was forgotten once: a size that was asked for before then passes for the cloud's own.
    once_forgotten: BTreeSet<Slot>,
}

impl World {
    /// Whether something is to be there: what lives in nothing is not.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        let there = self.wants[slot].is_some();
        match SHAPES[slot] {
            Shape::Child(parent) | Shape::Version(parent) => there && self.has(parent),
            Shape::Named | Shape::Fixed | Shape::Tagged | Shape::Data => there,
        }
    }

    pub(crate) fn address(&self, slot: Slot) -> Address {
        let kind = match SHAPES[slot] {
            Shape::Named | Shape::Fixed => "fake.named",
            Shape::Tagged => "fake.tagged",
            Shape::Child(_) => "fake.child",
            Shape::Version(_) => "fake.version",
            Shape::Data => "mcpdeploy.data",
        };
        let name = if self.other_name[slot] { "t" } else { "s" };
        address(&format!("{kind}.{name}{slot}"))
    }

    /// The places that one refers to, as it is wanted.
    fn needs(&self, slot: Slot) -> BTreeSet<Slot> {
        let mut needs = BTreeSet::new();
        if let Shape::Child(parent) | Shape::Version(parent) = SHAPES[slot] {
            needs.insert(parent);
        }
        if let Some(want) = &self.wants[slot] {
            needs.extend(self.text_of(slot, want));
            needs.extend(self.uses(slot, want));
        }
        needs
    }

    /// A place and all that it needs, however far.
    pub(crate) fn with_needs(&self, slot: Slot) -> BTreeSet<Slot> {
        let mut all = BTreeSet::from([slot]);
        for need in self.needs(slot) {
            all.extend(self.with_needs(need));
        }
        all
    }

    fn text_of(&self, slot: Slot, want: &Want) -> Option<Slot> {
        let version = |slot: Slot| matches!(SHAPES[slot], Shape::Version(_));
        want.text_of
            .filter(|&of| of < slot && self.has(of) && !version(of))
    }

    fn uses(&self, slot: Slot, want: &Want) -> Vec<Slot> {
        if matches!(SHAPES[slot], Shape::Version(_) | Shape::Data) {
            return Vec::new();
        }
        (0..slot)
            .filter(|&used| want.uses & 1 << used != 0 && self.has(used))
            // Data has no object, and versions stay in use as long as they are kept.
            .filter(|&used| !matches!(SHAPES[used], Shape::Data | Shape::Version(_)))
            .collect()
    }

    /// Wants something in a place.
    pub(crate) fn set(&mut self, slot: Slot, mut want: Want) {
        if let Some(old) = self.wants[slot]
            .as_ref()
            .filter(|_| self.forgotten.contains(&slot))
        {
            // It could not be found again under another name.
            want.zone = old.zone;
        }
        self.wants[slot] = Some(want);
    }

    /// Wants nothing there any more, unless what the state does not know of would be left behind.
    pub(crate) fn unset(&mut self, slot: Slot) {
        let mut without = self.clone();
        without.wants[slot] = None;
        if self.forgotten.iter().all(|&kept| without.has(kept)) {
            *self = without;
        }
    }

    /// Gives a place its other name; `told` when the file says so.
    pub(crate) fn rename(&mut self, slot: Slot, told: bool) {
        let from = self.address(slot);
        self.other_name[slot] = !self.other_name[slot];
        self.renamed.insert(slot);
        if told {
            self.moved.insert(slot, (from, self.address(slot)));
        }
    }

    pub(crate) fn is_moving(&self, slot: Slot) -> bool {
        self.moved.contains_key(&slot)
    }

    /// Whether it could be found again if the state did not have it.
    pub(crate) fn is_known_by_its_tags(&self, slot: Slot) -> bool {
        !self.renamed.contains(&slot)
    }

    /// Removed from the state by hand.
    pub(crate) fn forget(&mut self, slot: Slot) {
        self.forgotten.insert(slot);
        self.once_forgotten.insert(slot);
    }

    /// All is as wanted: what was told need not be told again.
    pub(crate) fn settled(&mut self) {
        self.moved.clear();
        self.renamed.clear();
        self.forgotten.clear();
    }

    /// What is wanted, for the engine.
    pub(crate) fn stack(&self) -> Stack {
        let mut stack = Stack::new();
        for (slot, want) in self.wants.iter().enumerate() {
            let Some(want) = want.as_ref().filter(|_| self.has(slot)) else {
                continue;
            };
            let output = |of: Slot, name: &str| format!("${{{}.{name}}}", self.address(of));
            let text = match self.text_of(slot, want) {
                Some(of) => output(of, "text"),
                None => literal(want),
            };
            let used = self.uses(slot, want).into_iter();
            let uses: Vec<String> = used.map(|used| output(used, "uid")).collect();
            let size = Some(want.size).filter(|&size| size > 0);
            let zone = format!("z{}", want.zone);
            let inputs = match SHAPES[slot] {
                Shape::Named => {
                    json!({"name": format!("n{slot}-{zone}"), "zone": zone, "text": text, "size": size, "uses": uses})
                }
                Shape::Fixed => {
                    json!({"name": format!("n{slot}"), "zone": zone, "text": text, "size": size, "uses": uses})
                }
                Shape::Tagged => {
                    json!({"zone": zone, "text": text, "size": size, "uses": uses, "tags": {"slot": slot.to_string()}})
                }
                Shape::Child(parent) => {
                    json!({"parent": output(parent, "uid"), "key": format!("k{slot}"), "zone": zone, "text": text, "size": size, "uses": uses})
                }
                Shape::Version(parent) => {
                    json!({"parent": output(parent, "uid"), "key": format!("k{slot}"), "text": text})
                }
                Shape::Data => json!({"text": text, "triggers": {"zone": zone}}),
            };
            stack.add(self.address(slot).as_str(), inputs);
        }
        stack.desired.moved = self.moved.values().cloned().collect();
        stack
    }

    /// The text that a place has in the end.
    fn text(&self, slot: Slot) -> String {
        let Some(want) = &self.wants[slot] else {
            return String::new();
        };
        match self.text_of(slot, want) {
            Some(of) => self.text(of),
            None => literal(want),
        }
    }

    /// Checks that the cloud has what is wanted: one object for each place, as it is to be, and
    /// nothing else but versions that were replaced.
    pub(crate) fn check(&self, cloud: &FakeCloud) {
        let mut there: BTreeMap<Slot, Object> = BTreeMap::new();
        let mut objects = cloud.objects();
        objects.sort_by_key(|o| o.uid.rsplit('-').next().unwrap().parse::<u64>().unwrap());
        for object in objects {
            let slot = slot_of(&object);
            let old = there.insert(slot, object.clone());
            let version = matches!(SHAPES[slot], Shape::Version(_));
            assert!(self.has(slot) || version, "an orphan: {object:#?}");
            assert!(old.is_none() || version, "twice: {old:#?} {object:#?}");
        }
        for slot in (0..SLOTS).filter(|&slot| self.has(slot)) {
            if SHAPES[slot] == Shape::Data {
                continue;
            }
            let Some(object) = there.get(&slot) else {
                panic!("{} is missing", self.address(slot));
            };
            let want = self.wants[slot].as_ref().unwrap();
            let inputs = &object.inputs;
            assert_eq!(*inputs.text.get(), self.text(slot), "text of {object:#?}");
            let uid = |slot: &Slot| there[slot].uid.clone();
            let uses: Vec<String> = self.uses(slot, want).iter().map(uid).collect();
            let used: Vec<String> = inputs.uses.iter().map(|used| used.get().clone()).collect();
            assert_eq!(used, uses, "what {object:#?} uses");
            if let Shape::Child(parent) | Shape::Version(parent) = SHAPES[slot] {
                assert_eq!(object.parent(), uid(&parent), "the parent of {object:#?}");
            }
            if !matches!(SHAPES[slot], Shape::Version(_)) {
                assert_eq!(*inputs.zone.get(), format!("z{}", want.zone), "{object:#?}");
                let size = Some(u64::from(want.size)).filter(|&size| size > 0);
                let own = size.is_none() && self.once_forgotten.contains(&slot);
                assert!(own || inputs.size == size, "size of {object:#?}");
            }
        }
    }
}

fn literal(want: &Want) -> String {
    format!("t{}", want.text)
}

/// Whose an object is, by the marks that it was made with.
pub(crate) fn slot_of(object: &Object) -> Slot {
    let name = object.inputs.name.get().trim_start_matches('n');
    let mark = match object.kind {
        "fake.named" => name.split('-').next().unwrap(),
        "fake.tagged" => object.tags()["slot"].as_str(),
        _ => object.inputs.key.get().trim_start_matches('k'),
    };
    mark.parse().unwrap()
}
