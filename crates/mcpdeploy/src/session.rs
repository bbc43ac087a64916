//! From the file to a plan: what every command that plans has in common.

use mcpdeploy_aws::artifacts::{Artifacts, CodeSha256};
use mcpdeploy_aws::stack::{self, Code, Place, Setting};
use mcpdeploy_build::{Artifact, runtime};
use mcpdeploy_config::{Loaded, Server, TargetKind};
use mcpdeploy_engine::event::Sink;
use mcpdeploy_engine::graph::Graph;
use mcpdeploy_engine::kind::Registry;
use mcpdeploy_engine::pace::Pace;
use mcpdeploy_engine::plan::{self, Mode, Plan, PlanOptions};
use mcpdeploy_engine::refresh::{self, RefreshOptions};
use mcpdeploy_engine::resource::Desired;
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::{Loaded as Stored, Store};

use crate::cli::{Global, Selectors};
use crate::cloud::Cloud;
use crate::failure::Failure;
use crate::local::{self, Embedded, Need};
use crate::placed;
use crate::project::Project;
use crate::screen::Screen;
use crate::signals::After;
use crate::stores::{self, Stores};

/// A project whose file, state and cloud are at hand.
pub(crate) struct Session {
    pub(crate) project: Project,
    pub(crate) loaded: Loaded,
    pub(crate) cloud: Cloud,
    pub(crate) store: Store,
    /// The state as stored; an empty one when nothing was ever deployed.
    pub(crate) state: State,
    pub(crate) stored: Stored,
    /// `None` when nothing of AWS is wanted or there.
    pub(crate) place: Option<Place>,
    pub(crate) graph: Graph,
    pub(crate) artifact: Option<Artifact>,
    /// What was learned about the services' limits while looking; the apply goes on with it.
    pub(crate) pace: Pace,
    /// The signals since the apply began, for what comes after it.
    pub(crate) after: Option<After>,
}

impl Session {
    /// Opens the project and puts together what is wanted. The state is read once more by those
    /// who take the lock: see [`Session::reload`].
    pub(crate) async fn open(
        global: &Global,
        need: Need,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        let project = Project::open(global)?;
        Self::of(project, global, need, screen).await
    }

    /// As [`Session::open`], for a project that is open already.
    pub(crate) async fn of(
        project: Project,
        global: &Global,
        need: Need,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        let loaded = project.load()?;
        screen.notes(&loaded);
        let store = Stores::new(&project, global, Some(&loaded)).open().await?;
        let stored = load(&project, &store)?;
        let artifact = match (&loaded.config.target.kind, &loaded.config.server) {
            (TargetKind::AwsLambda, Some(server)) => {
                Some(artifact(&project, &loaded, server, screen).await?)
            }
            (TargetKind::AwsLambda | TargetKind::Resources, _) => None,
        };
        let embedded = embedded(&project, need, screen).await?;
        let login = login(&project, &loaded)?;
        Self::assemble(
            global,
            project,
            loaded,
            (store, stored),
            embedded,
            (artifact, login),
            Want::File,
        )
        .await
    }

    /// As [`Session::open`], for what does not depend on the server's code: it need not be built.
    pub(crate) async fn open_unbuilt(global: &Global, screen: &Screen) -> Result<Self, Failure> {
        Self::without_a_build(global, Want::Unbuilt, screen).await
    }

    /// As [`Session::open`], for removing: the server need not be built.
    pub(crate) async fn open_to_destroy(global: &Global, screen: &Screen) -> Result<Self, Failure> {
        Self::without_a_build(global, Want::Nothing, screen).await
    }

    async fn without_a_build(
        global: &Global,
        want: Want,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        let project = Project::open(global)?;
        let loaded = project.load()?;
        screen.notes(&loaded);
        let store = Stores::new(&project, global, Some(&loaded)).open().await?;
        let stored = load(&project, &store)?;
        let embedded = embedded(&project, Need::Look, screen).await?;
        let (store, none) = ((store, stored), (None, None));
        Self::assemble(global, project, loaded, store, embedded, none, want).await
    }

    async fn assemble(
        global: &Global,
        project: Project,
        loaded: Loaded,
        (store, mut stored): (Store, Stored),
        embedded: Option<Embedded>,
        (artifact, login): (Option<Artifact>, Option<Artifact>),
        want: Want,
    ) -> Result<Self, Failure> {
        let cloud = Cloud::connect(&loaded, global, embedded).await?;
        let config = &loaded.config;
        let wants_aws = config.target.kind == TargetKind::AwsLambda
            || config
                .resources
                .iter()
                .any(|r| r.kind.value.starts_with("aws."));
        let has_aws = stored.state.as_ref().is_some_and(|state| {
            let addresses = state
                .resources
                .keys()
                .chain(state.pending.values().map(|p| &p.intent.address));
            addresses
                .into_iter()
                .any(|a| a.kind().as_str().starts_with("aws."))
        });
        let place = if wants_aws || has_aws {
            Some(cloud.place(&loaded, stored.state.as_ref()).await?)
        } else {
            None
        };
        let code = |artifact: &Artifact| {
            let sha256 = CodeSha256::new(artifact.code_sha256_base64.clone());
            let uploads = cloud.factory.artifacts();
            uploads.insert(sha256.clone(), artifact.zip.clone());
            let size = artifact.size;
            Code { sha256, size }
        };
        let (mut code, mut runtime) = (artifact.as_ref().map(code), login.as_ref().map(code));
        if matches!(want, Want::Unbuilt) {
            (code, runtime) = (Some(no_code()), Some(no_code()));
        }
        let setting = Setting {
            environment: &project.environment,
            place: place.as_ref(),
            code: code.as_ref(),
            runtime: runtime.as_ref(),
            deployed_as: stored.state.as_ref().map(|state| state.deployment.as_str()),
            root: &project.root,
            artifacts: cloud.factory.artifacts(),
        };
        let graph = match want {
            Want::File | Want::Unbuilt => graph(&loaded, &setting, &cloud.registry)?,
            Want::Nothing => nothing(&loaded, &project, &cloud.registry)?,
        };
        let state = stored
            .state
            .take()
            .unwrap_or_else(|| State::new(config.deployment_name(), &project.environment));
        Ok(Self {
            graph,
            store,
            project,
            cloud,
            state,
            stored,
            place,
            artifact,
            loaded,
            pace: Pace::new(),
            after: None,
        })
    }

    /// Reads the state again: under the lock, nobody else changes it any more.
    pub(crate) fn reload(&mut self) -> Result<(), Failure> {
        let mut stored = self.store.load()?;
        if let Some(state) = stored.state.take() {
            self.state = state;
        }
        self.stored = stored;
        Ok(())
    }

    /// Looks at the cloud and plans.
    pub(crate) async fn plan(
        &self,
        global: &Global,
        select: &Selectors,
        sink: &mut dyn Sink,
    ) -> Result<Plan, Failure> {
        let mode = if select.destroy {
            Mode::Destroy
        } else if select.refresh_only {
            Mode::RefreshOnly
        } else {
            Mode::Normal
        };
        let options = PlanOptions {
            mode,
            targets: select.target.clone(),
            replace: select.replace.clone(),
        };
        let look = RefreshOptions {
            targets: select.target.clone(),
            read: select.refresh,
            probe: select.refresh,
            parallelism: global.parallelism,
            pace: self.pace.clone(),
            mode,
        };
        let registry = &self.cloud.registry;
        let findings = refresh::refresh(&self.graph, &self.state, registry, &look, sink).await?;
        Ok(plan::plan(
            &self.graph,
            &self.state,
            findings,
            &options,
            registry,
        )?)
    }
}

/// The way to the embedded cloud, when `--local` asks for it.
async fn embedded(
    project: &Project,
    need: Need,
    screen: &Screen,
) -> Result<Option<Embedded>, Failure> {
    if !project.local {
        return Ok(None);
    }
    local::open(project, need, screen).await.map(Some)
}

/// Reads the state, and sees to it that there is not another one that was meant.
fn load(project: &Project, store: &Store) -> Result<Stored, Failure> {
    let stored = store.load()?;
    if stored.state.is_none() {
        stores::left_behind(project, store)?;
    }
    Ok(stored)
}

/// What is to be there in the end.
enum Want {
    /// What the file says.
    File,
    /// The same, with something that stands for the server's code.
    Unbuilt,
    /// Nothing: everything is to go.
    Nothing,
}

fn nothing(loaded: &Loaded, project: &Project, registry: &Registry) -> Result<Graph, Failure> {
    let desired = Desired {
        deployment: loaded.config.deployment_name().to_owned(),
        environment: project.environment.clone(),
        ..Desired::default()
    };
    Graph::build(desired, registry).map_err(|errors| placed::graph(loaded, errors))
}

/// The last build, or a first one when there is none.
async fn artifact(
    project: &Project,
    loaded: &Loaded,
    server: &Server,
    screen: &Screen,
) -> Result<Artifact, Failure> {
    let request = project.build_request(&loaded.config, server, None, None);
    match project.artifact_for(&request)? {
        Some(artifact) => Ok(artifact),
        None => {
            screen.say("Nothing is built yet for this environment: building");
            crate::commands::build::run_build(request, screen).await
        }
    }
}

/// The login's function, packed from the runtime that this program carries; nothing without login.
fn login(project: &Project, loaded: &Loaded) -> Result<Option<Artifact>, Failure> {
    let config = &loaded.config;
    let (TargetKind::AwsLambda, Some(server), true) =
        (config.target.kind, &config.server, config.auth.enabled)
    else {
        return Ok(None);
    };
    let request = project.build_request(config, server, None, None);
    let folder = project.build_folder().join("login");
    Ok(Some(runtime::package(request.architecture, &folder)?))
}

/// Puts together what is wanted, and shows mistakes at their place in the file.
fn graph(loaded: &Loaded, setting: &Setting<'_>, registry: &Registry) -> Result<Graph, Failure> {
    let desired = stack::desired(&loaded.config, setting, registry)
        .map_err(|errors| placed::stack(loaded, &errors))?;
    Graph::build(desired, registry).map_err(|errors| placed::graph(loaded, errors))
}

/// What stands for the code of a server that is not built.
fn no_code() -> Code {
    Code {
        sha256: CodeSha256::of(b""),
        size: 1,
    }
}

/// Checks all that can be checked without calling anybody: with a build and an account that stand
/// for the real ones.
pub(crate) fn check(
    loaded: &Loaded,
    project: &Project,
    registry: &Registry,
) -> Result<Graph, Failure> {
    let region = loaded.config.aws.region.clone();
    let place = Place {
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        account: loaded
            .config
            .aws
            .account_id
            .clone()
            .unwrap_or_else(|| "000000000000".to_owned()),
        partition: "aws".to_owned(),
        emulator: None,
    };
    let code = no_code();
    let setting = Setting {
        environment: &project.environment,
        place: Some(&place),
        code: Some(&code),
        runtime: Some(&code),
        deployed_as: None,
        root: &project.root,
        artifacts: &Artifacts::default(),
    };
    graph(loaded, &setting, registry)
}
