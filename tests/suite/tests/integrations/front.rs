//! The warehouse as a deployment reaches it, which a test can cut off.

use std::sync::Mutex;

use redoubt_aws::{
    error::{DescribeError, ErrorKind, SubmitError},
    fault::ServiceFault,
    port::{Call, Report, Row, Warehouse},
    warehouse::{DataApi, MemoryWarehouse},
};

/// When the warehouse's front stops an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before this call, counted from 0 among those of setup, change and removal.
    Before(usize),
    /// After it has had its effect.
    After(usize),
}

/// The Data API, with an invocation dying at a chosen call: everything it asks for from there on fails.
pub struct Front {
    pub(super) inner: DataApi,
    /// Answers the preflight where that is not what a test is about.
    sound: Option<MemoryWarehouse>,
    cut: Mutex<Option<Cut>>,
    state: Mutex<FrontState>,
}

#[derive(Default)]
struct FrontState {
    dead: bool,
    /// Names of the calls made, without those of the preflight.
    calls: Vec<String>,
}

impl Front {
    pub(super) fn new(inner: DataApi, sound: Option<MemoryWarehouse>) -> Self {
        Self { inner, sound, cut: Mutex::new(None), state: Mutex::new(FrontState::default()) }
    }

    /// Has the next invocations die at a call, or none.
    pub(super) fn cut(&self, cut: Option<Cut>) {
        *self.cut.lock().unwrap() = cut;
        *self.state.lock().unwrap() = FrontState::default();
    }

    /// Names of the calls of setup, change and removal since the last cut was set.
    pub(super) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Whoever died is followed by another.
    pub(super) fn revive(&self) {
        self.state.lock().unwrap().dead = false;
    }

    fn dies(&self, code: &str) -> ServiceFault {
        self.state.lock().unwrap().dead = true;
        ServiceFault::new(ErrorKind::Retry, code)
    }

    fn is_dead(&self) -> bool {
        self.state.lock().unwrap().dead
    }
}

impl Warehouse for Front {
    async fn submit(&self, call: &Call) -> Result<String, SubmitError> {
        let fail = |source| SubmitError { name: call.name.clone(), source };
        if self.is_dead() {
            return Err(fail(ServiceFault::new(ErrorKind::Retry, "dead")));
        }
        if let Some(sound) = self.sound.as_ref().filter(|_| call.name.starts_with("redoubt doctor")) {
            return sound.submit(call).await;
        }
        let counted = call.name.starts_with("redoubt ") && !call.name.starts_with("redoubt doctor");
        let number = {
            let mut state = self.state.lock().unwrap();
            let number = state.calls.len();
            if counted {
                state.calls.push(call.name.clone());
            }
            number
        };
        let cut = self.cut.lock().unwrap().filter(|_| counted);
        if cut == Some(Cut::Before(number)) {
            return Err(fail(self.dies("cut before")));
        }
        let id = self.inner.submit(call).await?;
        if cut == Some(Cut::After(number)) {
            while !self.inner.describe(&id).await.unwrap().state.is_final() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            return Err(fail(self.dies("cut after")));
        }
        Ok(id)
    }

    async fn describe(&self, statement_id: &str) -> Result<Report, DescribeError> {
        if self.is_dead() {
            let source = ServiceFault::new(ErrorKind::Retry, "dead");
            return Err(DescribeError { statement_id: statement_id.to_owned(), source });
        }
        match &self.sound {
            Some(sound) if statement_id.starts_with("statement-") => sound.describe(statement_id).await,
            _ => self.inner.describe(statement_id).await,
        }
    }

    async fn rows(&self, statement_id: &str) -> Result<Vec<Row>, DescribeError> {
        if self.is_dead() {
            let source = ServiceFault::new(ErrorKind::Retry, "dead");
            return Err(DescribeError { statement_id: statement_id.to_owned(), source });
        }
        match &self.sound {
            Some(sound) if statement_id.starts_with("statement-") => sound.rows(statement_id).await,
            _ => self.inner.rows(statement_id).await,
        }
    }
}
