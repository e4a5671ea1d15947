//! What Redoubt's procedures do, statement by statement as `shared/core/src/render/bootstrap/procedures.sql` has them. They are
//! tested on a real database; here it counts how they behave beside each other.

use super::{
    EntitlementRow, KeyRow, Literal, Lock, PolicyRow, ProfileRow, REFUSED, SourceRow, Table, Transaction, View,
    Warehouse,
};
use crate::{faults::Fault, mutation::Mutation};

impl Warehouse {
    pub(super) async fn call(
        &self,
        transaction: &mut Transaction,
        name: &str,
        arguments: &[Literal],
    ) -> Result<(), String> {
        let text = |place: usize| arguments[place].text();
        let number = |place: usize| arguments[place].number();
        match name {
            "prepare_view" => self.prepare_view(transaction, &text(0)).await,
            "prepare_project" => self.prepare_key(transaction, format!("{} @project", text(0))).await,
            "apply_view" => {
                let (source, revision) = (text(0), number(1));
                if self.known(transaction, &source).is_some_and(|known| known >= revision) {
                    return Ok(());
                }
                self.begin_view(transaction, &source, revision, number(2), &text(4), &text(6)).await?;
                // Under the lock of the view that was dropped.
                self.pass(self.world.settings.view_statement).await;
                self.create_view(transaction, &text(6), &text(7)).await?;
                self.finish_view(transaction, &source, revision, number(2), &text(4), &text(6)).await
            }
            "begin_view" => self.begin_view(transaction, &text(0), number(1), number(2), &text(3), &text(5)).await,
            "finish_view" => self.finish_view(transaction, &text(0), number(1), number(2), &text(4), &text(6)).await,
            "drop_view" => self.drop_view(transaction, &text(0), number(1), &text(2)).await,
            "merge_profiles" => self.merge_profiles(transaction).await,
            "put_policy" => {
                self.put_policy(transaction, &text(0), number(1), arguments.get(3).and_then(Literal::optional)).await
            }
            "drop_policy" => self.put_policy(transaction, &text(0), number(1), None).await,
            other => Err(format!("ERROR: procedure {other} does not exist")),
        }
    }

    /// The revision of a source, where the guard is not broken on purpose.
    fn known(&self, transaction: &mut Transaction, source: &str) -> Option<u64> {
        let snapshot = self.snapshot(transaction);
        let rows = self.store().sources.select(Some(source), snapshot, &transaction.sources);
        let known = rows.iter().map(|row| row.revision).max();
        match known {
            Some(_) if self.world.has(Mutation::NoRevisionGuard) => Some(0),
            None if self.world.has(Mutation::NoRow) => Some(0),
            known => known,
        }
    }

    fn row(&self, transaction: &mut Transaction, source: &str) -> Option<SourceRow> {
        let snapshot = self.snapshot(transaction);
        let rows = self.store().sources.select(Some(source), snapshot, &transaction.sources);
        rows.into_iter().max_by_key(|row| row.revision)
    }

    /// Sources other than this one whose view has a name.
    fn others(&self, transaction: &mut Transaction, view: &str, source: &str) -> Vec<SourceRow> {
        let snapshot = self.snapshot(transaction);
        let named = self.store().sources.named(view, snapshot, &transaction.sources);
        named.into_iter().filter(|row| row.source != source).collect()
    }

    async fn prepare_view(&self, transaction: &mut Transaction, source: &str) -> Result<(), String> {
        if self.row(transaction, source).is_none() && !self.world.has(Mutation::NoRow) {
            self.lock(transaction, Lock::Table("data_source")).await?;
            let row = SourceRow {
                source: source.to_owned(),
                revision: 0,
                claim: 0,
                shape: None,
                view: None,
                state: "pending".to_owned(),
            };
            Table::insert(&mut transaction.sources, row);
        }
        self.moment().await;
        self.prepare_key(transaction, format!("{source} *")).await
    }

    async fn prepare_key(&self, transaction: &mut Transaction, key: String) -> Result<(), String> {
        let snapshot = self.snapshot(transaction);
        let is_there = !self.store().keys.select(Some(&key), snapshot, &transaction.keys).is_empty();
        if !is_there {
            self.lock(transaction, Lock::Table("masking_key")).await?;
            Table::insert(&mut transaction.keys, KeyRow { key });
        }
        Ok(())
    }

    async fn begin_view(
        &self,
        transaction: &mut Transaction,
        source: &str,
        revision: u64,
        claim: u64,
        shape: &str,
        view: &str,
    ) -> Result<(), String> {
        let known = match self.known(transaction, source) {
            Some(known) => known,
            None => return Err("ERROR: redoubt: not prepared".to_owned()),
        };
        let others = self.others(transaction, view, source);
        let other_claim = others.iter().map(|row| row.claim).max();
        if known >= revision || other_claim.is_some_and(|other| other > claim) {
            return Err("ERROR: redoubt: superseded".to_owned());
        }
        self.moment().await;
        let row = self.row(transaction, source);
        let old = row.as_ref().and_then(|row| row.view.clone());
        if let Some(old) = old.as_ref().filter(|old| *old != view)
            && self.others(transaction, old, source).is_empty()
        {
            self.drop_from_catalog(transaction, old).await?;
        }
        let reshaped = old.as_deref() == Some(view) && row.and_then(|row| row.shape).is_some_and(|old| old != shape);
        if other_claim.is_some() || reshaped {
            self.drop_from_catalog(transaction, view).await?;
        }
        transaction.shape = shape.to_owned();
        Ok(())
    }

    /// `CREATE OR REPLACE VIEW`: the catalog is seen as it is now, whatever the snapshot.
    pub(super) async fn create_view(
        &self,
        transaction: &mut Transaction,
        name: &str,
        text: &str,
    ) -> Result<(), String> {
        self.moment().await;
        self.lock(transaction, Lock::View(name.to_owned())).await?;
        if name.contains(REFUSED) {
            self.world.faults.happened(Fault::StatementRefused);
            return Err("ERROR: permission denied for schema governed".to_owned());
        }
        let existing = match transaction.views.get(name) {
            Some(own) => own.clone(),
            None => self.store().views.get(name).cloned(),
        };
        let shape = transaction.shape.clone();
        if existing.is_some_and(|view| view.shape != shape) {
            return Err("ERROR: cannot change number of columns in view".to_owned());
        }
        transaction.views.insert(name.to_owned(), Some(View { text: text.to_owned(), shape }));
        Ok(())
    }

    async fn drop_from_catalog(&self, transaction: &mut Transaction, name: &str) -> Result<(), String> {
        self.lock(transaction, Lock::View(name.to_owned())).await?;
        transaction.views.insert(name.to_owned(), None);
        Ok(())
    }

    async fn finish_view(
        &self,
        transaction: &mut Transaction,
        source: &str,
        revision: u64,
        claim: u64,
        shape: &str,
        view: &str,
    ) -> Result<(), String> {
        self.moment().await;
        if self.known(transaction, source).is_some_and(|known| known >= revision) {
            return Err("ERROR: redoubt: superseded".to_owned());
        }
        let others = self.others(transaction, view, source);
        self.lock(transaction, Lock::Table("data_source")).await?;
        for other in others {
            let snapshot = self.snapshot(transaction);
            self.delete_source(transaction, &other.source, snapshot)?;
            let row = SourceRow { view: None, state: "withdrawn".to_owned(), ..other };
            Table::insert(&mut transaction.sources, row);
        }
        let row = SourceRow {
            source: source.to_owned(),
            revision,
            claim,
            shape: Some(shape.to_owned()),
            view: Some(view.to_owned()),
            state: "applied".to_owned(),
        };
        self.replace(transaction, row).await
    }

    fn delete_source(&self, transaction: &mut Transaction, source: &str, snapshot: u64) -> Result<(), String> {
        let deleted = self.store().sources.delete(Some(source), snapshot, &mut transaction.sources, |_| true);
        deleted.map(drop).map_err(|conflict| {
            self.world.faults.happened(Fault::RowConflict);
            conflict.into()
        })
    }

    /// Deletes the row of a source and inserts another.
    async fn replace(&self, transaction: &mut Transaction, row: SourceRow) -> Result<(), String> {
        self.lock(transaction, Lock::Table("data_source")).await?;
        let snapshot = self.snapshot(transaction);
        self.delete_source(transaction, &row.source, snapshot)?;
        self.moment().await;
        Table::insert(&mut transaction.sources, row);
        Ok(())
    }

    async fn drop_view(
        &self,
        transaction: &mut Transaction,
        source: &str,
        revision: u64,
        state: &str,
    ) -> Result<(), String> {
        if self.known(transaction, source).is_some_and(|known| known >= revision) {
            return Ok(());
        }
        self.moment().await;
        let old = self.row(transaction, source).and_then(|row| row.view);
        if let Some(old) = old
            && self.others(transaction, &old, source).is_empty()
        {
            self.drop_from_catalog(transaction, &old).await?;
        }
        let row = SourceRow {
            source: source.to_owned(),
            revision,
            claim: 0,
            shape: None,
            view: None,
            state: state.to_owned(),
        };
        self.replace(transaction, row).await
    }

    async fn merge_profiles(&self, transaction: &mut Transaction) -> Result<(), String> {
        let snapshot = self.snapshot(transaction);
        let mut stage = std::mem::take(&mut transaction.stage);
        {
            let store = self.store();
            let guard = !self.world.has(Mutation::NoRevisionGuard);
            stage.retain(|(_, staged)| {
                let known = store.profiles.select(Some(&staged.account), snapshot, &transaction.profiles);
                !(guard && known.iter().any(|row| staged.revision <= row.revision))
            });
        }
        self.moment().await;
        self.lock(transaction, Lock::Table("profile_entitlement")).await?;
        let conflict = |conflict: super::Conflict| {
            self.world.faults.happened(Fault::RowConflict);
            String::from(conflict)
        };
        for (_, staged) in &stage {
            let key = Some(staged.account.as_str());
            let entitlements = &mut transaction.entitlements;
            self.store().entitlements.delete(key, snapshot, entitlements, |_| true).map_err(conflict)?;
        }
        self.moment().await;
        self.lock(transaction, Lock::Table("profile")).await?;
        for (_, staged) in &stage {
            let key = Some(staged.account.as_str());
            self.store().profiles.delete(key, snapshot, &mut transaction.profiles, |_| true).map_err(conflict)?;
        }
        let entitlements = std::mem::take(&mut transaction.staged);
        let mut held: std::collections::BTreeMap<u64, Vec<u64>> = Default::default();
        for (place, number) in std::mem::take(&mut transaction.held) {
            held.entry(place).or_default().push(number);
        }
        for (place, ProfileRow { account, revision, active }) in stage {
            if active {
                let numbers = held.get(&place).into_iter().flatten();
                for entitlement in numbers.filter_map(|number| entitlements.get(number).cloned()) {
                    let row = EntitlementRow { account: account.clone(), entitlement };
                    Table::insert(&mut transaction.entitlements, row);
                }
            }
            transaction.accounts.insert(account.clone());
            Table::insert(&mut transaction.profiles, ProfileRow { account, revision, active });
        }
        self.moment().await;
        Ok(())
    }

    async fn put_policy(
        &self,
        transaction: &mut Transaction,
        policy: &str,
        revision: u64,
        definition: Option<String>,
    ) -> Result<(), String> {
        let snapshot = self.snapshot(transaction);
        let known = self.store().policies.select(Some(policy), snapshot, &transaction.policies);
        let guard = !self.world.has(Mutation::NoRevisionGuard);
        if guard && known.iter().any(|row| row.revision >= revision) {
            return Ok(());
        }
        self.lock(transaction, Lock::Table("policy")).await?;
        let deleted = self.store().policies.delete(Some(policy), snapshot, &mut transaction.policies, |_| true);
        deleted.map_err(|conflict| {
            self.world.faults.happened(Fault::RowConflict);
            String::from(conflict)
        })?;
        let row = PolicyRow { policy: policy.to_owned(), revision, definition };
        Table::insert(&mut transaction.policies, row);
        Ok(())
    }
}
