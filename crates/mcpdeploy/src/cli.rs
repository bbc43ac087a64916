//! The command line: names, options and their help. What they do is in `commands`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mcpdeploy_engine::address::Address;
use mcpdeploy_local::{Fault, Latency, Throttle};
use mcpdeploy_probe::Pick;

/// Deploys MCP servers straight through the AWS API: plan, apply, and nothing is lost on the way.
#[derive(Debug, Parser)]
#[command(
    name = "mcpdeploy",
    version,
    propagate_version = false,
    disable_version_flag = false,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub(crate) chdir: Option<PathBuf>,
    /// The environment to work on
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        env = "MCPDEPLOY_ENV",
        default_value = "default"
    )]
    pub(crate) env: String,
    /// Use the embedded cloud instead of AWS
    #[arg(long, global = true)]
    pub(crate) local: bool,
    /// Call this address instead of AWS: an emulator, for example
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// The AWS region, whatever the file and the environment say
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile of ~/.aws/config, whatever the file says
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// How many resources to work on at the same time
    #[arg(long, global = true, value_name = "N", default_value_t = 32, value_parser = parallelism)]
    pub(crate) parallelism: usize,
    /// Print JSON lines for other programs to read
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print without colours (also: NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Say more; twice: what is called
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say only what matters
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Never ask; what would have to be asked is an error
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

fn parallelism(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("a whole number, at least 1".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write .pmcp/deploy.toml from what the project is made of
    Init(Init),
    /// Check deploy.toml: every mistake at once
    Validate,
    /// Build the server for Lambda and pack it
    Build(Build),
    /// Show what apply would change, and why
    Plan(Plan),
    /// Make the cloud as deploy.toml says
    Apply(Apply),
    /// Build, plan, apply and try the server, in one go
    Deploy(Deploy),
    /// Remove everything but what is to be retained
    Destroy(Destroy),
    /// Show a saved plan, or the state
    Show(Show),
    /// Show what the deployment gives: mcp_url, function, …
    Output(Output),
    /// Look at the state, and mend it
    #[command(subcommand)]
    State(State),
    /// Set, list, remove and rotate the values of secrets
    #[command(subcommand)]
    Secrets(Secrets),
    /// Take an existing resource under management
    Import(Import),
    /// Draw the resources and what depends on what
    Graph(Graph),
    /// Try an MCP endpoint: both eras of the protocol, its tools, its HTTP
    Test(Test),
    /// Log in to an MCP endpoint, so that `test` and scripts can use it
    Login(Login),
    /// End a login to an MCP endpoint, and forget it
    Logout(Logout),
    /// Find out what is missing on this machine or in the account
    Doctor,
    /// Start, stop or look at the embedded cloud
    #[command(subcommand)]
    Local(Local),
    /// Build, deploy to the embedded cloud, and again at every change of the source
    Dev(Dev),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the JSON Schema of a file that mcpdeploy reads or writes, or of a kind's inputs
    Schema {
        /// deploy, state, journal, plan, event, test-report, or a kind such as aws.dynamodb.table; without it, the list
        name: Option<String>,
    },
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The server's name; the package's when not given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// How the server speaks
    #[arg(long, value_enum)]
    pub(crate) transport: Option<Transport>,
    /// Who knows the users
    #[arg(long, value_enum)]
    pub(crate) auth: Option<Auth>,
    /// Ask nothing: take what was found
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Lambda,
    Http,
    Stdio,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    None,
    Cognito,
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The processor to build for, whatever the file says
    #[arg(long, value_enum)]
    pub(crate) arch: Option<Arch>,
    /// Pack this executable instead of building one
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "arm64")]
    Arm64,
}

/// Which part of the deployment.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Selectors {
    /// Only this resource and what it depends on (may be given several times)
    #[arg(long, value_name = "ADDR")]
    pub(crate) target: Vec<Address>,
    /// Replace this resource though nothing asks for it (may be given several times)
    #[arg(long, value_name = "ADDR")]
    pub(crate) replace: Vec<Address>,
    /// Whether to look at the cloud first
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) refresh: bool,
    /// Only take into the state what the cloud has
    #[arg(long, conflicts_with_all = ["replace", "destroy"])]
    pub(crate) refresh_only: bool,
    /// Remove everything
    #[arg(long, conflicts_with = "replace")]
    pub(crate) destroy: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) select: Selectors,
    /// Save the plan here, for `mcpdeploy apply FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// End with 0 when nothing would change and with 2 when something would
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Save the plan as a web page
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// A plan saved with `plan --out`: exactly this is applied, without a question
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "replace", "refresh_only", "destroy"])]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) select: Selectors,
    #[command(flatten)]
    pub(crate) run: Run,
}

/// How to run what changes things.
#[derive(Debug, Clone, Args)]
pub(crate) struct Run {
    /// Do not ask before changing things
    #[arg(long, alias = "yes")]
    pub(crate) auto_approve: bool,
    /// How long to wait for another run to end, e.g. 30s, 10m
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let wrong = || format!("`{text}` is no time: write 500ms, 30s, 10m or 1h");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_millis(number.saturating_mul(milliseconds)))
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) run: Run,
    /// Pack this executable instead of building one
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// Do not try the server afterwards, whatever the file says
    #[arg(long)]
    pub(crate) skip_tests: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// Only this resource and what depends on it (may be given several times)
    #[arg(long, value_name = "ADDR")]
    pub(crate) target: Vec<Address>,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A saved plan; without it, the state is shown
    #[arg(value_name = "PLANFILE")]
    pub(crate) plan: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Only this one
    pub(crate) name: Option<String>,
    /// Only the value, without quotes: for scripts
    #[arg(long, requires = "name")]
    pub(crate) raw: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// List the resources by address
    List,
    /// Show everything that is known of one resource
    Show {
        /// Which
        address: Address,
    },
    /// Give a resource another address; nothing in the cloud changes
    Mv {
        /// The address that it has
        from: Address,
        /// The address that it gets
        to: Address,
    },
    /// Forget a resource; it stays in the cloud
    Rm {
        /// Which (may be several)
        #[arg(required = true)]
        addresses: Vec<Address>,
    },
    /// Print the state as JSON
    Pull,
    /// Replace the state by this one
    Push {
        /// The file; `-` for standard input
        file: PathBuf,
        /// Though it is older than, or of another lineage than, the one that is there
        #[arg(long)]
        force: bool,
    },
    /// Take the state to where, and encrypt it as, deploy.toml says now
    Migrate(Migrate),
    /// Remove the lock of a run that is dead
    Unlock {
        /// The run's id, as the message about the lock names it
        run: Option<String>,
        /// Though the run still gives signs of life; it can write nothing more then
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// Give a secret its value: asked for without showing it, or from standard input
    Set(SecretsSet),
    /// List the secrets, never their values
    List,
    /// Remove a secret; it can be restored for a while
    Rm(SecretsRm),
    /// Have a new value made now, by the secret's function or at random
    Rotate {
        /// The secret, as deploy.toml names it
        name: String,
    },
    /// Set the values of many secrets, from a .env file or a JSON object
    Import(SecretsImport),
}

#[derive(Debug, Args)]
pub(crate) struct SecretsSet {
    /// The secret, as deploy.toml names it
    pub(crate) name: String,
    /// `-` for standard input, which is read anyway when it is no terminal
    #[arg(value_name = "-")]
    pub(crate) dash: Option<String>,
    /// Take the value of this environment variable
    #[arg(long, value_name = "VAR", conflicts_with_all = ["dash", "from_file"])]
    pub(crate) from_env: Option<String>,
    /// Take what is in this file
    #[arg(long, value_name = "PATH", conflicts_with = "dash")]
    pub(crate) from_file: Option<PathBuf>,
    /// Keep the line break at the end of standard input or of the file
    #[arg(long)]
    pub(crate) keep_newline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsRm {
    /// The secret, as deploy.toml names it
    pub(crate) name: String,
    /// Remove it at once and for good: nobody can restore it
    #[arg(long)]
    pub(crate) force_delete_without_recovery: bool,
    /// Do not ask
    #[arg(long, alias = "yes")]
    pub(crate) auto_approve: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsImport {
    /// The file; `-` for standard input
    pub(crate) file: PathBuf,
    /// Set those that have a value already, too
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Leave out what deploy.toml does not name
    #[arg(long)]
    pub(crate) ignore_unknown: bool,
    /// Only say what would be set
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Where the state is: local, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "STORE", default_value = "local")]
    pub(crate) from: String,
    /// The DynamoDB table of that store, when it has one
    #[arg(long, value_name = "TABLE")]
    pub(crate) from_lock_table: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Build as for AWS: slower to build, faster to run
    #[arg(long)]
    pub(crate) release: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start the embedded cloud, or give a running one other switches
    Up(LocalUp),
    /// End the embedded cloud; what it holds is kept
    Down {
        /// Its data folder, when it is not the project's
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Show where the embedded cloud is and what it runs
    Status {
        /// Its data folder, when it is not the project's
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Empty the embedded cloud
    Reset {
        /// Its data folder, when it is not the project's
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Add, list or remove people who can log in at the embedded cloud
    #[command(subcommand)]
    User(LocalUser),
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocalUser {
    /// Add somebody, or give them another password; it is asked for, or read from standard input
    Add {
        /// The e-mail address that they log in with
        #[arg(value_name = "EMAIL")]
        name: String,
        /// Take the password from this environment variable
        #[arg(long, value_name = "VARIABLE")]
        from_env: Option<String>,
        /// A group of the pool that they belong to (may be given several times)
        #[arg(long, value_name = "NAME")]
        group: Vec<String>,
        #[command(flatten)]
        pool: Pool,
    },
    /// List everybody
    List {
        #[command(flatten)]
        pool: Pool,
    },
    /// Remove somebody
    Rm {
        /// The e-mail address that they log in with
        #[arg(value_name = "EMAIL")]
        name: String,
        #[command(flatten)]
        pool: Pool,
    },
}

/// Which user pool of the embedded cloud.
#[derive(Debug, Args)]
pub(crate) struct Pool {
    /// The user pool; the deployment's when not given
    #[arg(long = "pool", value_name = "ID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LocalUp {
    /// The loopback port of its AWS API; the last one, 4600 or a free one when not given
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// Where it keeps what is created; .pmcp/local/cloud when not given
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Stay in the foreground and show what passes through
    #[arg(long)]
    pub(crate) foreground: bool,
    /// How long calls take: 80ms, 40ms/400ms (reads/changes), or aws
    #[arg(long, value_name = "TIME")]
    pub(crate) latency: Option<Latency>,
    /// How long a fresh role is unknown to other services, e.g. 6s
    #[arg(long, value_name = "TIME", value_parser = mcpdeploy_local::duration)]
    pub(crate) iam_propagation: Option<Duration>,
    /// How long functions and tables stay pending after a change, e.g. 2s
    #[arg(long, value_name = "TIME", value_parser = mcpdeploy_local::duration)]
    pub(crate) pending: Option<Duration>,
    /// How many calls a second each service takes: 10, or 10/20 with so many at once
    #[arg(long, value_name = "RATE")]
    pub(crate) throttle: Option<Throttle>,
    /// What goes wrong with the Nth call: N=fail, N=lose (done, but the answer is lost), N=hang
    #[arg(long, value_name = "N=KIND")]
    pub(crate) fault: Vec<Fault>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The address that it is to have, e.g. aws.dynamodb.table.sessions; it must be in deploy.toml
    #[arg(value_name = "ADDR")]
    pub(crate) address: Address,
    /// Its id in the cloud: a name, an ARN, whatever its kind goes by
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// In which form
    #[arg(long, value_enum, default_value = "dot")]
    pub(crate) format: GraphFormat,
    /// Of what
    #[arg(long, value_enum, default_value = "plan")]
    pub(crate) of: GraphOf,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The endpoint; the deployed server's when not given
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Only these checks: ids, names or groups (may be several, with commas)
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = pick)]
    pub(crate) only: Vec<Pick>,
    /// Not these checks (may be several, with commas)
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = pick)]
    pub(crate) skip: Vec<Pick>,
    /// List the checks and make none
    #[arg(long)]
    pub(crate) list: bool,
    /// Which tools to call, with arguments made from their schemas
    #[arg(long, value_enum, value_name = "WHICH", default_value = "read-only")]
    pub(crate) call_tools: CallTools,
    /// Fail unless this era of the protocol is spoken (may be given twice)
    #[arg(long, value_enum, value_name = "ERA")]
    pub(crate) require: Vec<Era>,
    /// Check that browsers at this origin are let in (may be given several times)
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<String>,
    /// Send the bearer token that is in this environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "login")]
    pub(crate) bearer_from_env: Option<String>,
    /// Whether to log in where the server wants it
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) login: When,
    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// How long a fresh server may take until it answers for the first time
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) warm_up: Duration,
    /// Fail when of 100 warm calls more than 5 take longer than this, e.g. 500ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_p95: Option<Duration>,
    /// Write the report as JUnit XML, for CI systems
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// With the login that is kept; with a new one when there is somebody to ask
    Auto,
    /// With a new one also when there is nobody to ask: a browser is opened
    Always,
    /// Never: as a stranger, whatever is kept
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The endpoint; the deployed server's when not given
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Ask for this scope, too (may be given several times)
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// The authorization server, when the endpoint has several
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// A client that was registered by hand at --issuer
    #[arg(long, value_name = "ID", requires = "issuer")]
    pub(crate) client_id: Option<String>,
    /// Ask for that client's secret, or take it from MCPDEPLOY_CLIENT_SECRET
    #[arg(long, requires = "client_id")]
    pub(crate) client_secret: bool,
    /// The https URL of a document that describes this client, for servers that take one
    #[arg(long, value_name = "URL", conflicts_with = "client_id")]
    pub(crate) client_metadata: Option<String>,
    /// The port of 127.0.0.1 that the browser comes back to; a free one when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) callback_port: Option<u16>,
    /// Open the login page with this command (also: BROWSER)
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser")]
    pub(crate) browser: Option<String>,
    /// Only print the address of the login page
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// How long the login may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Print a good access token of the login that is kept, for scripts; nobody is asked
    #[arg(long, conflicts_with_all = [
        "scope", "issuer", "client_metadata", "callback_port", "browser", "no_browser",
    ])]
    pub(crate) print_token: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// The endpoint; the deployed server's when not given
    #[arg(value_name = "URL", conflicts_with = "all")]
    pub(crate) url: Option<String>,
    /// End every login that is kept
    #[arg(long)]
    pub(crate) all: bool,
}

fn pick(text: &str) -> Result<Pick, String> {
    Pick::new(text).map_err(|error| match &error.near {
        Some(near) => format!("{error}; did you mean `{near}`?"),
        None => format!("{error}; see them with: mcpdeploy test --list"),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallTools {
    /// None
    None,
    /// Those annotated as read-only
    ReadOnly,
    /// All but those annotated as destructive; those without annotations, too
    All,
    /// All, the destructive ones as well
    Destructive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    /// Versions up to 2025-11-25, with a handshake
    Legacy,
    /// Version 2026-07-28, without one
    Modern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Dot,
    Mermaid,
    Svg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphOf {
    /// What is wanted, coloured by what would change
    Plan,
    /// What is in the state
    State,
}

/// Commands that are designed and not there yet: naming one says so.
pub(crate) const PLANNED: [&str; 10] = [
    "history",
    "rollback",
    "promote",
    "canary",
    "abort",
    "resume",
    "logs",
    "metrics",
    "permissions",
    "cost",
];
