//! The fake kinds. They differ in how they are found again and replaced; what they do is the same.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::data::Data;
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Poll, Registry, Tags, Who, same_owner,
};
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{FakeCloud, Object, World};
use crate::fault::CallOp;

pub(crate) const VERSION: &str = "fake.version";

/// What one can ask of any fake kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FakeInputs {
    /// The name, for kinds that have one.
    pub name: Input<String>,
    /// The parent's `uid`, for kinds that live in one.
    pub parent: Input<String>,
    /// The key within the parent.
    pub key: Input<String>,
    /// Cannot change in place.
    pub zone: Input<String>,
    /// Changes in place, but for versions.
    pub text: Input<String>,
    /// Changes in place; the cloud's own choice when not said.
    pub size: Option<u64>,
    /// The `uid`s of others, which must be there as long as this is.
    pub uses: Vec<Input<String>>,
    /// How long it takes until it is usable, in milliseconds.
    pub ms: u64,
    /// Tags, for kinds that take them.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FakeOutputs {
    /// The id that the cloud gave.
    pub uid: String,
    /// The text as the cloud has it.
    pub text: String,
    /// Changes with the text.
    pub revision: u64,
}

/// The size that the cloud chooses.
const OWN_SIZE: u64 = 7;

/// How a kind's resources are found again.
enum Finds {
    ByName,
    ByTags,
    InParent,
}

/// What makes one fake kind differ from another.
trait Shape: Send + Sync + 'static {
    const NAME: &'static str;
    const FINDS: Finds;
    const REPLACE_ON: &'static [&'static str];
    const VOLATILE: &'static [(&'static str, &'static str)] =
        &[("/text", "/revision"), ("/text", "/text")];
    const TAGGABLE: bool = true;
    const UNOBSERVED: &'static [&'static str] = &[];
    const KEEP_REPLACED: bool = false;
    const TYPICAL_MS: u32 = 300;
}

/// A fake kind of that shape.
pub struct Fake<S>(PhantomData<S>);

macro_rules! shapes {
    ($($(#[$doc:meta])* $alias:ident = $shape:ident { $($body:tt)* })*) => {$(
        #[doc(hidden)]
        pub enum $shape {}
        impl Shape for $shape { $($body)* }
        $(#[$doc])*
        pub type $alias = Fake<$shape>;
    )*};
}

shapes! {
    /// `fake.named`: we choose its name, which no two can have.
    Named = NamedShape {
        const NAME: &'static str = "fake.named";
        const FINDS: Finds = Finds::ByName;
        const REPLACE_ON: &'static [&'static str] = &["/name", "/zone"];
    }
    /// `fake.tagged`: has nothing but an id from the cloud and our tags, which a read does not see.
    Tagged = TaggedShape {
        const NAME: &'static str = "fake.tagged";
        const FINDS: Finds = Finds::ByTags;
        const REPLACE_ON: &'static [&'static str] = &["/zone"];
        const UNOBSERVED: &'static [&'static str] = &["/tags"];
    }
    /// `fake.child`: lives in a parent, takes no tags, and changes one at a time.
    Child = ChildShape {
        const NAME: &'static str = "fake.child";
        const FINDS: Finds = Finds::InParent;
        const REPLACE_ON: &'static [&'static str] = &["/parent", "/key", "/zone"];
        const TAGGABLE: bool = false;
    }
    /// `fake.version`: never changes; replaced ones are kept and go with their parent.
    Version = VersionShape {
        const NAME: &'static str = VERSION;
        const FINDS: Finds = Finds::InParent;
        const REPLACE_ON: &'static [&'static str] = &["/parent", "/text"];
        const TAGGABLE: bool = false;
        const KEEP_REPLACED: bool = true;
    }
    /// `fake.slow`: like `fake.named`, and weighs much on a path.
    Slow = SlowShape {
        const NAME: &'static str = "fake.slow";
        const FINDS: Finds = Finds::ByName;
        const REPLACE_ON: &'static [&'static str] = &["/name", "/zone"];
        const TYPICAL_MS: u32 = 5_000;
    }
    /// `fake.left.item`: like `fake.named`, of a service of its own.
    Left = LeftShape {
        const NAME: &'static str = "fake.left.item";
        const FINDS: Finds = Finds::ByName;
        const REPLACE_ON: &'static [&'static str] = &["/name", "/zone"];
    }
    /// `fake.right.item`: the same, of another one.
    Right = RightShape {
        const NAME: &'static str = "fake.right.item";
        const FINDS: Finds = Finds::ByName;
        const REPLACE_ON: &'static [&'static str] = &["/name", "/zone"];
    }
    /// `fake.free.item`: the same, of a third one.
    Free = FreeShape {
        const NAME: &'static str = "fake.free.item";
        const FINDS: Finds = Finds::ByName;
        const REPLACE_ON: &'static [&'static str] = &["/name", "/zone"];
    }
}

/// Adds all fake kinds, and `mcpdeploy.data`, to a registry.
pub fn register(registry: &mut Registry, cloud: &FakeCloud) {
    let source = Arc::new(cloud.clone());
    registry.add::<Data>(Arc::new(()));
    registry.add::<Named>(Arc::clone(&source));
    registry.add::<Tagged>(Arc::clone(&source));
    registry.add::<Child>(Arc::clone(&source));
    registry.add::<Version>(Arc::clone(&source));
    registry.add::<Slow>(Arc::clone(&source));
    registry.add::<Left>(Arc::clone(&source));
    registry.add::<Right>(Arc::clone(&source));
    registry.add::<Free>(source);
}

/// The key of a child within its parent: a version's is its text.
fn child_key<S: Shape>(inputs: &FakeInputs) -> &String {
    if S::KEEP_REPLACED {
        inputs.text.get()
    } else {
        inputs.key.get()
    }
}

/// The ids by which the engine knows an object: its name where it has one.
fn physical<S: Shape>(object: &Object) -> PhysicalId {
    PhysicalId::new(match S::FINDS {
        Finds::ByName => object.inputs.name.get(),
        Finds::ByTags | Finds::InParent => &object.uid,
    })
}

/// Whether an object is what the inputs would make, by its identity.
fn is_it<S: Shape>(object: &Object, inputs: &FakeInputs) -> bool {
    match S::FINDS {
        Finds::ByName => object.inputs.name == inputs.name,
        Finds::ByTags => same_owner(object.tags(), &inputs.tags),
        Finds::InParent => {
            object.inputs.parent == inputs.parent
                && child_key::<S>(&object.inputs) == child_key::<S>(inputs)
        }
    }
}

fn by_id<'w, S: Shape>(world: &'w mut World, id: &PhysicalId) -> Result<&'w mut Object, KindError> {
    world
        .objects
        .values_mut()
        .find(|object| object.kind == S::NAME && physical::<S>(object) == *id)
        .ok_or_else(|| FaultClass::Gone.error(format!("there is no {id}")))
}

fn outputs(object: &Object) -> FakeOutputs {
    FakeOutputs {
        uid: object.uid.clone(),
        text: object.inputs.text.get().clone(),
        revision: object.revision,
    }
}

impl<S: Shape> Kind for Fake<S> {
    const NAME: &'static str = S::NAME;
    const REPLACE_ON: &'static [&'static str] = S::REPLACE_ON;
    const VOLATILE: &'static [(&'static str, &'static str)] = S::VOLATILE;
    const TAGGABLE: bool = S::TAGGABLE;
    const KEEP_REPLACED: bool = S::KEEP_REPLACED;
    const TYPICAL_MS: u32 = S::TYPICAL_MS;
    type Clients = FakeCloud;
    type Inputs = FakeInputs;
    type Outputs = FakeOutputs;

    fn identity(inputs: &FakeInputs) -> Identity {
        match S::FINDS {
            Finds::ByName => Identity::Name(inputs.name.get().clone()),
            Finds::ByTags => Identity::OwnerTag,
            Finds::InParent => Identity::InParent {
                parent: inputs.parent.get().clone(),
                key: child_key::<S>(inputs).clone(),
            },
        }
    }

    fn serial_key(inputs: &FakeInputs) -> Option<String> {
        match S::FINDS {
            Finds::InParent => inputs.parent.known().cloned(),
            Finds::ByName | Finds::ByTags => None,
        }
    }

    fn validate(inputs: &FakeInputs) -> Result<(), (String, String)> {
        match inputs.size {
            Some(size) if size > 1000 => {
                Err(("/size".to_owned(), "the size is at most 1000".to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn permissions(op: Op, _: &FakeInputs, _: &Placement) -> Vec<Permission> {
        vec![Permission::new(&format!("{}:{op:?}", S::NAME), "*")]
    }

    async fn read(
        cx: &Cx<'_, FakeCloud>,
        who: Who<'_, FakeInputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let read = |world: &mut World| {
            let mut found = world.objects.values().filter(|object| {
                object.kind == S::NAME
                    && match who.id {
                        Some(id) => physical::<S>(object) == *id,
                        // Who looks a name up finds whatever has it.
                        None => {
                            world.weather.is_listed(object)
                                && is_it::<S>(object, who.inputs)
                                && (matches!(S::FINDS, Finds::ByName)
                                    || !who.others.contains(&physical::<S>(object)))
                        }
                    }
            });
            Ok(found.next().map(|object| {
                let mut inputs = object.inputs.clone();
                inputs.size = Some(inputs.size.unwrap_or(OWN_SIZE));
                inputs.ms = who.inputs.ms;
                if S::UNOBSERVED.contains(&"/tags") {
                    inputs.tags = Tags::new();
                }
                Observed {
                    id: physical::<S>(object),
                    inputs,
                    outputs: outputs(object),
                    unobserved: S::UNOBSERVED,
                }
            }))
        };
        cx.clients
            .call(S::NAME, CallOp::Read, cx.address, read)
            .await
    }

    async fn read_tags(
        cx: &Cx<'_, FakeCloud>,
        id: &PhysicalId,
        _: &FakeInputs,
    ) -> Result<Option<Tags>, KindError> {
        let read = |world: &mut World| by_id::<S>(world, id).map(|o| Some(o.tags().clone()));
        cx.clients
            .call(S::NAME, CallOp::ReadTags, cx.address, read)
            .await
    }

    async fn create(cx: &Cx<'_, FakeCloud>, want: &FakeInputs) -> Result<Created<Self>, KindError> {
        let create = |world: &mut World| {
            world.check_uses(want)?;
            let unique = match S::FINDS {
                Finds::ByName => true,
                Finds::InParent => !S::KEEP_REPLACED,
                Finds::ByTags => false,
            };
            let taken = |object: &Object| object.kind == S::NAME && is_it::<S>(object, want);
            if unique && world.objects.values().any(taken) {
                return Err(FaultClass::Exists.error("one like it is there already"));
            }
            let uid = world.new_uid(S::NAME);
            let object = Object {
                uid: uid.clone(),
                kind: S::NAME,
                address: cx.address.clone(),
                // The size is not something that the creating call takes.
                inputs: FakeInputs {
                    size: None,
                    ..want.clone()
                },
                revision: 1,
            };
            let created = Created::id(physical::<S>(&object).as_str());
            world.weather.born(&uid);
            world.objects.insert(uid, object);
            Ok(created)
        };
        cx.clients
            .call(S::NAME, CallOp::Create, cx.address, create)
            .await
    }

    async fn configure(
        cx: &Cx<'_, FakeCloud>,
        id: &PhysicalId,
        want: &FakeInputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if delta.is_created() && want.size.is_none() {
            return Ok(());
        }
        let configure = |world: &mut World| {
            world.check_uses(want)?;
            let object = by_id::<S>(world, id)?;
            if delta.touches("/size") {
                object.inputs.size = want.size;
            }
            if delta.updates("/text") {
                object.inputs.text = want.text.clone();
                object.revision += 1;
            }
            if delta.updates("/uses") {
                object.inputs.uses = want.uses.clone();
            }
            if delta.updates("/tags") {
                object.inputs.tags = want.tags.clone();
                if let Some(address) = want
                    .tags
                    .get(mcpdeploy_engine::kind::owner_tag::ADDRESS)
                    .and_then(|address| address.parse().ok())
                {
                    object.address = address;
                }
            }
            Ok(())
        };
        cx.clients
            .call(S::NAME, CallOp::Configure, cx.address, configure)
            .await
    }

    async fn settle(
        cx: &Cx<'_, FakeCloud>,
        id: &PhysicalId,
        want: &FakeInputs,
        _: Option<FakeOutputs>,
    ) -> Result<FakeOutputs, KindError> {
        if want.ms > 0 {
            cx.phase("waiting until it is usable");
            tokio::time::sleep(Duration::from_millis(want.ms)).await;
        }
        let settle = |world: &mut World| {
            let object = by_id::<S>(world, id)?.clone();
            Ok(world.weather.is_usable(&object).then(|| outputs(&object)))
        };
        cx.poll(Poll::SECONDS, "waiting until it is usable", || {
            cx.clients.call(S::NAME, CallOp::Settle, cx.address, settle)
        })
        .await
    }

    async fn delete(
        cx: &Cx<'_, FakeCloud>,
        id: &PhysicalId,
        _: &FakeInputs,
    ) -> Result<(), KindError> {
        let delete = |world: &mut World| {
            let uid = by_id::<S>(world, id)?.uid.clone();
            if let Some(user) = world.in_use(&uid) {
                let message = format!("{uid} is in use by {} ({})", user.uid, user.address);
                return Err(KindError::fatal(message));
            }
            world.objects.remove(&uid);
            // Its versions go with it.
            world.objects.retain(|_, object| object.parent() != uid);
            Ok(())
        };
        cx.clients
            .call(S::NAME, CallOp::Delete, cx.address, delete)
            .await
    }
}
