//! The stand-in as a whole: warehouses, API and what answers the databases, started and stopped together.

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
use crate::postgres::prepared::{self, PrepareError};
use crate::registry::Registry;
use crate::runner::Runner;
use crate::warehouse::{Warehouse, WarehouseError};
use std::collections::HashSet;
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
    /// PostgreSQL's ports, those of the workgroups in their order; any for those left.
    pub pg_ports: Vec<u16>,
    /// The names that requests give as workgroup or cluster, each a warehouse. The first one's data is in `data_dir`
    /// itself, that of the others in a directory each below it.
    pub workgroups: Vec<String>,
    /// The name of the SQS queue for events; none are sent when absent.
    pub event_queue: Option<String>,
    /// Where a prepared cluster is kept, of which new warehouses are copies; without it each is made from nothing.
    pub prepared: Option<PathBuf>,
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
            pg_ports: Vec::new(),
            workgroups: vec!["redoubt-local".to_owned()],
            event_queue: None,
            prepared: None,
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

    /// Names of workgroups have 3 to 64 lower-case letters, digits and hyphens:
    /// <https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_CreateWorkgroup.html>
    fn check(&self) -> Result<(), StartError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let mut seen = HashSet::new();
        for name in &self.workgroups {
            if !(3..=64).contains(&name.len()) || !name.bytes().all(allowed) || !seen.insert(name) {
                return Err(StartError::Workgroup(name.clone()));
            }
        }
        let (ports, workgroups) = (self.pg_ports.len(), self.workgroups.len());
        if workgroups == 0 || ports > workgroups {
            return Err(StartError::Workgroups { ports, workgroups });
        }
        Ok(())
    }

    /// Where the warehouse of that name, the `place`th, keeps its data.
    fn directory(&self, place: usize, name: &str) -> PathBuf {
        if place == 0 { self.data_dir.clone() } else { self.data_dir.join(format!("workgroup-{name}")) }
    }
}

/// Why a stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No name of a workgroup.
    #[error("workgroup `{0}`: expected 3 to 64 lower-case letters, digits and hyphens, and each name once")]
    Workgroup(String),
    /// Ports without a workgroup, or nothing to start.
    #[error("{ports} ports of PostgreSQL for {workgroups} workgroups")]
    Workgroups {
        /// As many ports as were given.
        ports: usize,
        /// As many workgroups as were given.
        workgroups: usize,
    },
    /// A warehouse did not start.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    /// There is no prepared cluster.
    #[error(transparent)]
    Copy(#[from] PrepareError),
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
}

/// A running stand-in. [`Standin::stop`] stops it; dropping it leaves PostgreSQL running.
#[derive(Debug)]
pub struct Standin {
    address: SocketAddr,
    // Owned by nothing else for longer than a call, so that dropping the stand-in gives their directories free.
    warehouses: Vec<Arc<Warehouse>>,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
}

impl Standin {
    /// Starts the warehouses and the API.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let (address, listener) = bind(config.listen).await?;
        let stop = watch::Sender::new(false);
        let mut standin = Self { address, warehouses: Vec::new(), stop, serving: Vec::new() };
        match standin.open(&config, listener).await {
            Ok(()) => Ok(standin),
            Err(error) => {
                if let Err(stop) = standin.stop().await {
                    tracing::error!(error = %stop, "PostgreSQL not stopped");
                }
                Err(error)
            }
        }
    }

    async fn open(&mut self, config: &Config, listener: TcpListener) -> Result<(), StartError> {
        let aws = match config.aws.clone() {
            Some(aws) => aws,
            None => aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await,
        };
        let secrets = Arc::new(match &config.secrets {
            None => Secrets::Manager(Box::new(aws_sdk_secretsmanager::Client::new(&aws))),
            Some(path) => Secrets::from_file(path)?,
        });
        let region = aws.region().map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
        let registry = Arc::new(Registry::default());
        let lambdas = Arc::new(Lambdas::new(&config.lambdas, &config.data_dir, Service::new(&aws)));
        let prepared = match &config.prepared {
            None => None,
            Some(kept) => Some(prepared::cluster(kept, &config.data_dir.with_extension("preparing")).await?),
        };
        let mut runners = Vec::new();
        for (place, name) in config.workgroups.iter().enumerate() {
            let port = config.pg_ports.get(place).copied();
            let warehouse =
                Arc::new(Warehouse::create(name, config.directory(place, name), port, prepared.clone()).await?);
            self.warehouses.push(Arc::clone(&warehouse));
            let (own, callbacks) = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
            let place = Place::new(own.port())?;
            install(warehouse.port(), &config.admin_password, &place).await?;
            let faults = warehouse.faults();
            faults.replace(&config.faults).await?;
            warehouse.start().await?;
            let (lambdas, known) = (Arc::clone(&lambdas), Arc::clone(&registry));
            let callback = Callback::new(place, lambdas, known, Arc::clone(faults), &region, name);
            self.serving.push(tokio::spawn(wire::serve(callbacks, Arc::new(callback), self.stop.subscribe())));
            let events = config
                .event_queue
                .clone()
                .map(|queue| EventQueue::new(aws_sdk_sqs::Client::new(&aws), queue, region.clone(), name.clone()));
            runners.push(Arc::new(Runner {
                warehouse: name.clone(),
                registry: Arc::clone(&registry),
                secrets: Arc::clone(&secrets),
                link: Arc::clone(warehouse.link()),
                port: warehouse.port(),
                places: Semaphore::new(config.running),
                events,
                faults: Arc::clone(faults),
                cache: ResultCache::default(),
            }));
        }
        let warehouses = self.warehouses.iter().map(Arc::downgrade).collect();
        let api = Api { registry, runners, warehouses, throttle: config.throttle.then(Throttle::default) };
        self.serving.push(tokio::spawn(http::serve(listener, Arc::new(api), self.stop.subscribe())));
        Ok(())
    }

    /// The URL that Data API clients are given.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// PostgreSQL's port on loopback, that of the first warehouse.
    pub fn pg_port(&self) -> u16 {
        self.warehouses.first().map_or(0, |warehouse| warehouse.port())
    }

    /// The warehouses, in the order of their workgroups.
    pub fn warehouses(&self) -> impl Iterator<Item = &Warehouse> {
        self.warehouses.iter().map(Arc::as_ref)
    }

    /// The warehouse of that name.
    pub fn warehouse(&self, name: &str) -> Result<&Warehouse, WarehouseError> {
        self.warehouses().find(|warehouse| warehouse.name() == name).ok_or_else(|| WarehouseError::Unknown(name.into()))
    }

    /// Stops the warehouse of that name while the API goes on: what runs there fails, and so does what comes.
    pub async fn stop_warehouse(&self, name: &str) -> Result<(), WarehouseError> {
        self.warehouse(name)?.stop().await
    }

    /// The same as a crash of PostgreSQL: nobody is told, and nothing is put in order before.
    pub async fn crash_warehouse(&self, name: &str) -> Result<(), WarehouseError> {
        self.warehouse(name)?.crash().await
    }

    /// Starts the warehouse of that name again, with the data it had.
    pub async fn start_warehouse(&self, name: &str) -> Result<(), WarehouseError> {
        self.warehouse(name)?.start().await
    }

    /// The faults of the first warehouse, to be asked for and changed while it runs.
    pub fn faults(&self) -> Option<&Arc<Faults>> {
        self.warehouses.first().map(|warehouse| warehouse.faults())
    }

    /// Has these faults and no others in every warehouse, from the next call on.
    pub async fn set_faults(&self, faults: &[Fault]) -> Result<(), tokio_postgres::Error> {
        for warehouse in &self.warehouses {
            warehouse.faults().replace(faults).await?;
        }
        Ok(())
    }

    /// Ends what runs and stops the warehouses.
    pub async fn stop(self) -> Result<(), StartError> {
        self.stop.send_replace(true);
        let mut outcome = Ok(());
        for task in self.serving {
            outcome = outcome.and(task.await.map_err(WarehouseError::from));
        }
        for warehouse in &self.warehouses {
            // One that fails must not keep the others running.
            outcome = outcome.and(warehouse.stop().await);
        }
        Ok(outcome?)
    }
}

async fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), StartError> {
    let listener = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    listener.map_err(|source| StartError::Listen { address, source })
}
