//! The stand-in as a whole: PostgreSQL, runner, API and what answers the database, started and stopped together.

use crate::api::throttle::Throttle;
use crate::api::{Api, http};
use crate::auth::{AuthError, Secrets};
use crate::cache::ResultCache;
use crate::callback::{Callback, Place, wire};
use crate::event::EventQueue;
use crate::faults::{Fault, Faults};
use crate::lambda::service::Service;
use crate::lambda::{Lambdas, Program};
use crate::postgres::install::install;
use crate::postgres::server::{INTERNAL_DATABASE, INTERNAL_USER, Server, ServerError};
use crate::postgres::session::connect;
use crate::registry::Registry;
use crate::runner::Runner;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// How a stand-in is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where PostgreSQL keeps its data; created when absent.
    pub data_dir: PathBuf,
    /// Where the API listens; port 0 for any.
    pub listen: SocketAddr,
    /// PostgreSQL's port; any when absent.
    pub pg_port: Option<u16>,
    /// The name that requests must give as workgroup or cluster.
    pub workgroup: String,
    /// The name of the SQS queue for events; none are sent when absent.
    pub event_queue: Option<String>,
    /// A file of secrets in place of Secrets Manager.
    pub secrets: Option<PathBuf>,
    /// Whether the documented request rates hold.
    pub throttle: bool,
    /// The password of `awsuser`.
    pub admin_password: String,
    /// How many calls run at once.
    pub running: usize,
    /// How AWS services are reached; as the environment says when absent.
    pub aws: Option<aws_config::SdkConfig>,
    /// Programs that stand in for Lambda functions; the Lambda service has the others.
    pub lambdas: Vec<Program>,
    /// Assumptions on a warehouse that fail from the start.
    pub faults: Vec<Fault>,
}

impl Config {
    /// The defaults, with ports of the system's choice.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            pg_port: None,
            workgroup: "redoubt-local".to_owned(),
            event_queue: None,
            secrets: None,
            throttle: true,
            admin_password: "Redoubt-local-1".to_owned(),
            running: 30,
            aws: None,
            lambdas: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Has one more fault from the start.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Has the program at `path` answer for the Lambda function of that name, with these variables besides the
    /// stand-in's own. It speaks the runtime API, as every function built for `provided.al2023` does.
    #[must_use]
    pub fn lambda<N: Into<String>, V: Into<String>>(
        mut self,
        name: &str,
        path: impl Into<PathBuf>,
        environment: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let environment = environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self.lambdas.push(Program { name: name.to_owned(), path: path.into(), environment });
        self
    }
}

/// Why a stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// PostgreSQL did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// PostgreSQL could not be prepared.
    #[error("can't prepare PostgreSQL")]
    Prepare(#[from] tokio_postgres::Error),
    /// The secrets file is not usable.
    #[error(transparent)]
    Secrets(#[from] AuthError),
    /// The API's address is taken.
    #[error("can't listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why it failed.
        source: std::io::Error,
    },
    /// There is no secret to be had for the sessions of the database.
    #[error("no random numbers")]
    Random(#[from] getrandom::Error),
    /// A task of the stand-in was lost.
    #[error("starting PostgreSQL was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// A running stand-in. [`Standin::stop`] stops it; dropping it leaves PostgreSQL running.
#[derive(Debug)]
pub struct Standin {
    address: SocketAddr,
    server: Server,
    faults: Arc<Faults>,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
}

impl Standin {
    /// Starts PostgreSQL and the API.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (address, listener) = bind(config.listen).await?;
        let (own, callbacks) = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let place = Place::new(own.port())?;
        let (directory, port) = (config.data_dir.clone(), config.pg_port);
        let server = tokio::task::spawn_blocking(move || Server::start(&directory, port)).await??;
        let faults = Arc::new(Faults::new(server.port));
        match prepare(&config, server.port, place, &faults).await {
            Ok((api, callback)) => {
                let (stop, stopped) = watch::channel(false);
                let serving = vec![
                    tokio::spawn(http::serve(listener, Arc::new(api), stopped.clone())),
                    tokio::spawn(wire::serve(callbacks, Arc::new(callback), stopped)),
                ];
                Ok(Self { address, server, faults, stop, serving })
            }
            Err(error) => {
                if let Err(stop) = tokio::task::spawn_blocking(move || server.stop()).await? {
                    tracing::error!(error = %stop, "PostgreSQL not stopped");
                }
                Err(error)
            }
        }
    }

    /// The URL that Data API clients are given.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// PostgreSQL's port on loopback.
    pub fn pg_port(&self) -> u16 {
        self.server.port
    }

    /// The warehouse's faults, to be asked for and changed while it runs.
    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// Has these faults and no others, from the next call on.
    pub async fn set_faults(&self, faults: &[Fault]) -> Result<(), tokio_postgres::Error> {
        self.faults.replace(faults).await
    }

    /// Ends what runs and stops PostgreSQL.
    pub async fn stop(self) -> Result<(), StartError> {
        self.stop.send_replace(true);
        for task in self.serving {
            task.await?;
        }
        let server = self.server;
        Ok(tokio::task::spawn_blocking(move || server.stop()).await??)
    }
}

async fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), StartError> {
    let listener = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    listener.map_err(|source| StartError::Listen { address, source })
}

async fn prepare(
    config: &Config,
    port: u16,
    place: Place,
    faults: &Arc<Faults>,
) -> Result<(Api, Callback), StartError> {
    install(port, &config.admin_password, &place).await?;
    faults.replace(&config.faults).await?;
    let internal = connect(port, INTERNAL_USER, INTERNAL_DATABASE).await?;
    let aws = match config.aws.clone() {
        Some(aws) => aws,
        None => aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await,
    };
    let secrets = match &config.secrets {
        None => Secrets::Manager(Box::new(aws_sdk_secretsmanager::Client::new(&aws))),
        Some(path) => Secrets::from_file(path)?,
    };
    let region = aws.region().map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
    let registry = Arc::new(Registry::default());
    let lambdas = Lambdas::new(&config.lambdas, &config.data_dir, Service::new(&aws));
    let callback = Callback::new(place, lambdas, Arc::clone(&registry), Arc::clone(faults), &region, &config.workgroup);
    let events = config
        .event_queue
        .clone()
        .map(|name| EventQueue::new(aws_sdk_sqs::Client::new(&aws), name, region, config.workgroup.clone()));
    let runner = Runner {
        registry: Arc::clone(&registry),
        secrets,
        internal,
        port,
        places: Semaphore::new(config.running),
        events,
        faults: Arc::clone(faults),
        cache: ResultCache::default(),
    };
    let api = Api {
        registry,
        runner: Arc::new(runner),
        workgroup: config.workgroup.clone(),
        throttle: config.throttle.then(Throttle::default),
    };
    Ok((api, callback))
}
