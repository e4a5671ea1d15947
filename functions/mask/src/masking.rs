//! A request's way: check it, ask who may, get the key, mask.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use redoubt_aws::{error::chain, secret::Source};
use redoubt_mask::{
    error::Fault,
    mask::Masker,
    reply,
    request::{Column, Payload, Request},
};

use crate::{authority::Authority, secret::Secret};

/// Answers requests.
pub(crate) struct Masking<S, A> {
    secret: Secret<S>,
    authority: A,
    masker: Mutex<Masker>,
}

impl<S: Source, A: Authority> Masking<S, A> {
    /// Masks with a secret, and unmasks for those whom the authority lets.
    pub(crate) fn new(secret: Secret<S>, authority: A) -> Self {
        Self { secret, authority, masker: Mutex::new(Masker::new()) }
    }

    /// The reply to a request: all of its results, or what is wrong with it.
    pub(crate) async fn reply(&self, payload: Payload) -> String {
        let start = Instant::now();
        let request = match payload.check() {
            Ok(request) => request,
            Err(fault) => {
                tracing::warn!(%fault, "not a request");
                return reply::failure(&fault);
            }
        };
        let answer = self.answer(&request).await;
        let (function, rows, bytes) = (request.function().name(), request.rows().len(), request.rows().bytes());
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        match answer {
            Ok(reply) => {
                tracing::info!(function, rows, bytes, reply_bytes = reply.len(), micros, "answered");
                reply
            }
            Err(fault) => {
                tracing::warn!(function, rows, bytes, micros, %fault, "refused");
                reply::failure(&fault)
            }
        }
    }

    async fn answer(&self, request: &Request) -> Result<String, Fault> {
        let permitted = self.permitted(request).await?;
        if request.needs_secret() {
            let secret = self.secret.get().await.map_err(|error| unavailable(&error))?;
            self.masker().set_secret(secret);
        }
        let answer = self.masker().answer(request, &permitted);
        match answer {
            // The key may have been added since the secret was read.
            Err(fault) if fault.is_unknown_key() => {
                let secret = self.secret.newest().await.map_err(|error| unavailable(&error))?;
                self.masker().set_secret(secret);
                self.masker().answer(request, &permitted)
            }
            answer => answer,
        }
    }

    /// The columns to be unmasked, if every one of them may be. Asked every time: a permission can be withdrawn.
    async fn permitted(&self, request: &Request) -> Result<BTreeSet<Column>, Fault> {
        let columns = request.unmasks();
        for column in &columns {
            match self.authority.permits(request.user(), column).await {
                Ok(true) => {}
                Ok(false) => return Err(Fault::Refused),
                Err(error) => {
                    tracing::error!(error = chain(&error), "can't check a permission");
                    return Err(Fault::PermissionUnavailable);
                }
            }
        }
        Ok(columns)
    }

    fn masker(&self) -> MutexGuard<'_, Masker> {
        self.masker.lock().unwrap_or_else(|poisoned| {
            // What a panic left behind is not to be trusted.
            let mut masker = poisoned.into_inner();
            *masker = Masker::new();
            self.masker.clear_poison();
            masker
        })
    }
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error = chain(error), "can't read the masking key");
    Fault::KeyUnavailable
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
        },
        time::Duration,
    };

    use redoubt_aws::{port::Clock, secret::MemorySecret};
    use redoubt_mask::key::Handle;
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    use super::*;
    use crate::{
        authority::{AuthorityError, Nobody},
        secret::{parse, tests::document},
    };

    const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    /// Lets `ann` unmask the column `c`; for `bob` it fails.
    #[derive(Default)]
    struct OnlyAnn(AtomicUsize);

    impl Authority for OnlyAnn {
        async fn permits(&self, user: &str, column: &Column) -> Result<bool, AuthorityError> {
            self.0.fetch_add(1, Relaxed);
            match user {
                "bob" => Err(AuthorityError("no table".into())),
                _ => Ok(user == "ann" && column.source == "s" && column.column == "c"),
            }
        }
    }

    /// Seconds since 1970.
    #[derive(Clone, Default)]
    struct Hand(Arc<AtomicI64>);

    impl Clock for Hand {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::from_unix_timestamp(self.0.load(Relaxed)).unwrap()
        }
    }

    fn masking<A: Authority>(documents: &[Option<&str>], authority: A) -> Masking<MemorySecret, A> {
        Masking::new(Secret::new(MemorySecret::new(documents), parse, Duration::from_secs(300)), authority)
    }

    async fn ask<A: Authority>(masking: &Masking<MemorySecret, A>, user: &str, function: &str, rows: Value) -> Value {
        let request = json!({
            "user": user, "external_function": function, "num_records": rows.as_array().unwrap().len(), "arguments": rows,
        });
        let payload = serde_json::from_str(&request.to_string()).unwrap();
        serde_json::from_str(&masking.reply(payload).await).unwrap()
    }

    fn failure(message: &str) -> Value {
        json!({"success": false, "error_msg": message})
    }

    fn readings<A>(masking: &Masking<MemorySecret, A>) -> usize
    where
        A: Authority,
    {
        masking.secret.source().readings()
    }

    async fn mask<A: Authority>(masking: &Masking<MemorySecret, A>) -> String {
        let reply = ask(masking, "eve", "f.mask_reversible", json!([["v", TOKEN, "s", "c"]])).await;
        reply["results"][0].as_str().unwrap().to_owned()
    }

    fn to_unmask(masked: &str, column: &str) -> Value {
        json!([masked, Handle::of_token(TOKEN).unwrap().as_str(), "s", column])
    }

    #[tokio::test]
    async fn a_pattern_needs_no_secret() {
        let masking = masking(&[None], Nobody);
        let reply = ask(&masking, "eve", "immuta_functions.mask_regex", json!([["a1", "\\d", "*", ""], null])).await;
        assert_eq!(reply, json!({"success": true, "num_records": 2, "results": ["a*", null]}));
        let reply = ask(&masking, "eve", "f.mask_reversible", json!([[null, null, null, null]])).await;
        assert_eq!(reply["results"], json!([null]));
        assert_eq!(readings(&masking), 0);
    }

    #[tokio::test]
    async fn without_the_secret_nothing_is_masked() {
        let one = document(&[1]);
        let masking = masking(&[None, Some(&one)], Nobody);
        let row = json!([["v", TOKEN, "s", "c"]]);
        let reply = ask(&masking, "eve", "f.mask_reversible", row.clone()).await;
        assert_eq!(reply, failure("the masking key can't be read"));
        assert_eq!(ask(&masking, "eve", "f.mask_reversible", row).await["success"], true);
        assert_eq!(readings(&masking), 2);
    }

    #[tokio::test]
    async fn only_the_permitted_unmask() {
        let one = document(&[1]);
        let masking = masking(&[Some(&one)], OnlyAnn::default());
        let masked = mask(&masking).await;
        let unmask = async |user, rows| ask(&masking, user, "f.unmask", rows).await;
        let row = to_unmask(&masked, "c");
        let reply = unmask("ann", json!([row, null, row])).await;
        assert_eq!(reply["results"], json!(["v", null, "v"]));
        assert_eq!(masking.authority.0.load(Relaxed), 1, "asked once for each column");
        let refused = failure("this user may not unmask this column");
        for user in ["eve", "", "Ann", "ann "] {
            assert_eq!(unmask(user, json!([row])).await, refused, "{user}");
        }
        assert_eq!(unmask("ann", json!([row, to_unmask(&masked, "d")])).await, refused);
        assert_eq!(unmask("bob", json!([row])).await, failure("the permission to unmask can't be checked"));
        assert_eq!(
            unmask("ann", json!([row, to_unmask("v", "c")])).await,
            failure("row 2: not a masked text of this source and column")
        );
    }

    #[tokio::test]
    async fn nobody_unmasks_by_default() {
        let one = document(&[1]);
        let masking = masking(&[Some(&one)], Nobody);
        let row = to_unmask(&mask(&masking).await, "c");
        assert_eq!(
            ask(&masking, "ann", "f.unmask", json!([row])).await,
            failure("this user may not unmask this column")
        );
    }

    #[tokio::test]
    async fn a_key_that_was_added_is_found_without_waiting() {
        let (one, two) = (document(&[1]), document(&[1, 2]));
        let masked_by_two = mask(&masking(&[Some(&two)], Nobody)).await;
        let hand = Hand::default();
        let secret = Secret::new(MemorySecret::new(&[Some(&one), Some(&two)]), parse, Duration::from_secs(300));
        let masking = Masking::new(secret.with_clock(hand.clone()), OnlyAnn::default());
        mask(&masking).await;
        let row = to_unmask(&masked_by_two, "c");
        let unknown = failure("row 1: masked with a key that is not known");
        assert_eq!(ask(&masking, "ann", "f.unmask", json!([row])).await, unknown, "the secret has just been read");
        hand.0.store(5, Relaxed);
        assert_eq!(ask(&masking, "ann", "f.unmask", json!([row])).await["results"], json!(["v"]));
        assert_eq!(readings(&masking), 2);
        let unknown_to_both = mask(&self::masking(&[Some(&document(&[9]))], Nobody)).await;
        hand.0.store(10, Relaxed);
        assert_eq!(ask(&masking, "ann", "f.unmask", json!([to_unmask(&unknown_to_both, "c")])).await, unknown);
        assert_eq!(readings(&masking), 3, "read again once");
    }

    #[tokio::test]
    async fn what_is_no_request_is_told() {
        let masking = masking(&[None], Nobody);
        for (json, message) in [
            ("[]", "the request is not an object"),
            ("{}", "`external_function` is missing from the request"),
            (r#"{"external_function":"f.g"}"#, "`external_function` names no function of this Lambda"),
        ] {
            let payload = serde_json::from_str(json).unwrap();
            let reply: Value = serde_json::from_str(&masking.reply(payload).await).unwrap();
            assert_eq!(reply, failure(message));
        }
    }
}
