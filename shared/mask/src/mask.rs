//! Answering requests.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    fmt,
};

use zeroize::Zeroizing;

use crate::{
    error::{Fault, RowFault},
    format::{self, NumberMask, TextMask},
    key::{Handle, MasterSecret, Purpose},
    regex::{Flags, Replacer},
    reply::{MAX_RESULT_BYTES, Reply},
    request::{Column, Function, Request, Run},
    siv::{self, Masked, Siv},
};

/// How many compiled patterns and derived keys are kept. A query uses few; whoever uses more pays for making them anew.
const KEPT: usize = 256;

/// Answers requests, and keeps between them what is costly to make: compiled patterns and derived keys.
#[derive(Default)]
pub struct Masker {
    secret: Option<MasterSecret>,
    masks: HashMap<Box<str>, Mask>,
    /// Reused to look masks up.
    name: String,
    /// Reused for results.
    result: String,
}

/// What to do with a value, ready to be done.
enum Mask {
    Regex(Replacer),
    Reversible(Box<Siv>),
    /// A cipher for each master key that was met.
    Unmask {
        handle: Handle,
        column: Column,
        ciphers: HashMap<u8, Siv>,
    },
    Text(Box<TextMask>),
    Number(Box<NumberMask>),
    /// The user's name, whatever the value.
    Caller,
}

impl Masker {
    /// Without a secret, and with nothing kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Masks with this secret from now on. What was derived from another one is forgotten.
    pub fn set_secret(&mut self, secret: MasterSecret) {
        if self.secret.as_ref() != Some(&secret) {
            self.masks.clear();
            self.secret = Some(secret);
        }
    }

    /// Answers a request. `permitted` are the columns that the user may unmask, of those that the request
    /// [asks for](Request::unmasks).
    ///
    /// # Errors
    /// [`Fault`] if a single row can't be answered, the request is to unmask anything that is not permitted, or there is no
    /// secret though one is needed. It holds no value and no argument.
    pub fn answer(&mut self, request: &Request, permitted: &BTreeSet<Column>) -> Result<String, Fault> {
        if !request.unmasks().is_subset(permitted) {
            return Err(Fault::Refused);
        }
        if request.needs_secret() && self.secret.is_none() {
            return Err(Fault::KeyUnavailable);
        }
        let rows = request.rows();
        let mut reply = Reply::new(rows.len(), 64 * (rows.len() + 1));
        // Rows before the first run are null, and so are their results.
        for _ in 0..request.runs().next().map_or(rows.len(), |(run, _)| run.row) {
            reply.push(None)?;
        }
        let Self { secret, masks, name, result } = self;
        let secret = secret.as_ref();
        for (run, range) in request.runs() {
            // A row with a null value may have any arguments, so the mask is only made for the first of the others.
            let mut values = range.map(|row| (row, rows.value(row))).peekable();
            while values.next_if(|(_, value)| value.is_none()).is_some() {
                reply.push(None)?;
            }
            let Some((row, _)) = values.peek() else { continue };
            let mask = find(masks, name, secret, request, run).map_err(|fault| fault.at(*row))?;
            for (row, value) in values {
                result.clear();
                let masked = match value {
                    Some(value) => mask.apply(secret, request.user(), value, result).map_err(|fault| fault.at(row))?,
                    None => None,
                };
                if result.len() > MAX_RESULT_BYTES {
                    return Err(RowFault::TooLong.at(row));
                }
                reply.push(masked.map(|()| result.as_str()))?;
            }
        }
        reply.finish(rows.len())
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("secret", &self.secret).field("masks", &self.masks.len()).finish_non_exhaustive()
    }
}

/// The mask for a run's arguments, made if it is not kept.
fn find<'m>(
    masks: &'m mut HashMap<Box<str>, Mask>,
    name: &mut String,
    secret: Option<&MasterSecret>,
    request: &Request,
    run: &Run,
) -> Result<&'m mut Mask, RowFault> {
    let function = request.function();
    let mut arguments = [""; 4];
    name.clear();
    name.push_str(function.name());
    for ((index, argument), parameter) in arguments.iter_mut().enumerate().zip(function.arguments()) {
        *argument = request.rows().argument(run, index).ok_or(RowFault::Null(parameter))?;
        // With their lengths, or two lists of arguments could have one name.
        name.push_str(&format!("/{}/", argument.len()));
        name.push_str(argument);
    }
    if !masks.contains_key(name.as_str()) {
        let mask = Mask::new(function, arguments, secret)?;
        if masks.len() >= KEPT {
            masks.clear();
        }
        masks.insert(name.as_str().into(), mask);
    }
    masks.get_mut(name.as_str()).ok_or(RowFault::Cipher)
}

impl Mask {
    fn new(function: Function, arguments: [&str; 4], secret: Option<&MasterSecret>) -> Result<Self, RowFault> {
        let [first, second, third, fourth] = arguments;
        Ok(match function {
            Function::Regex => Self::Regex(Replacer::new(first, second, Flags::parse(third)?)?),
            Function::Reversible => {
                let handle = Handle::of_token(first).ok_or(RowFault::Token)?;
                let id = secret.ok_or(RowFault::UnknownKey)?.current();
                Self::Reversible(Box::new(siv(secret, id, &handle, second, third)?))
            }
            Function::Unmask => {
                let column = Column { source: second.to_owned(), column: third.to_owned() };
                let handle = Handle::parse(first).ok_or(RowFault::Handle)?;
                Self::Unmask { handle, column, ciphers: HashMap::new() }
            }
            Function::FormatPreserving => {
                Self::Text(Box::new(TextMask::new(&*ff1_key(secret, first, second, third)?, fourth)?))
            }
            Function::FormatPreservingNumber => {
                Self::Number(Box::new(NumberMask::new(&*ff1_key(secret, first, second, third)?, fourth)?))
            }
            Function::Caller => Self::Caller,
        })
    }

    /// Appends the result; `None` for null.
    fn apply(
        &mut self,
        secret: Option<&MasterSecret>,
        user: &str,
        value: &str,
        out: &mut String,
    ) -> Result<Option<()>, RowFault> {
        match self {
            Self::Regex(replacer) => replacer.replace(value, MAX_RESULT_BYTES, out).ok_or(RowFault::TooLong).map(Some),
            Self::Reversible(siv) => {
                siv.mask(value, out);
                Ok(Some(()))
            }
            Self::Unmask { handle, column, ciphers } => {
                let masked = Masked::parse(value).ok_or(RowFault::NotMasked)?;
                let cipher = match ciphers.entry(masked.key_id()) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        entry.insert(siv(secret, masked.key_id(), handle, &column.source, &column.column)?)
                    }
                };
                cipher.unmask(&masked, out).ok_or(RowFault::NotMasked).map(Some)
            }
            Self::Text(mask) => Ok(mask.mask(value, out)?),
            Self::Number(mask) => Ok(mask.mask(value, out)?),
            Self::Caller => {
                out.push_str(user);
                Ok(Some(()))
            }
        }
    }
}

fn siv(secret: Option<&MasterSecret>, id: u8, handle: &Handle, source: &str, column: &str) -> Result<Siv, RowFault> {
    let mut key = Zeroizing::new([0; siv::KEY_BYTES]);
    derive(secret, id, handle, Purpose::Reversible, source, column, &mut *key)?;
    Ok(Siv::new(id, &key))
}

fn ff1_key(
    secret: Option<&MasterSecret>,
    token: &str,
    source: &str,
    column: &str,
) -> Result<Zeroizing<[u8; format::KEY_BYTES]>, RowFault> {
    let handle = Handle::of_token(token).ok_or(RowFault::Token)?;
    let id = secret.ok_or(RowFault::UnknownKey)?.current();
    let mut key = Zeroizing::new([0; format::KEY_BYTES]);
    derive(secret, id, &handle, Purpose::FormatPreserving, source, column, &mut *key)?;
    Ok(key)
}

fn derive(
    secret: Option<&MasterSecret>,
    id: u8,
    handle: &Handle,
    purpose: Purpose,
    source: &str,
    column: &str,
    key: &mut [u8],
) -> Result<(), RowFault> {
    let secret = secret.ok_or(RowFault::UnknownKey)?;
    secret.derive(id, handle, purpose, source, column, key)?.ok_or(RowFault::UnknownKey)
}

#[cfg(test)]
mod tests;
