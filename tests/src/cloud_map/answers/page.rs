//! Pages and the tokens between them.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{Operation, Refusal, Request};

/// The most that a page holds.
const PAGE: usize = 100;

/// A page, taken before any filter is asked: what a filter leaves of it may be nothing.
pub(super) struct Page<Item> {
    pub(super) items: Vec<Item>,
    next: Option<String>,
}

impl<Item> Page<Item> {
    /// Takes a page of what comes after the request's token.
    pub(super) fn take(
        operation: Operation,
        request: &Request,
        after_it: impl Iterator<Item = Item>,
        position: impl Fn(&Item) -> String,
    ) -> Self {
        let mut rest = after_it.peekable();
        let items: Vec<Item> =
            rest.by_ref().take(request.number("MaxResults").unwrap_or(PAGE)).collect();
        let more = rest.peek().is_some();
        let next = items.last().filter(|_| more).map(|last| token(operation, &position(last)));
        Self { items, next }
    }

    pub(super) fn answer(next: Option<String>, member: &str, page: Value) -> Map<String, Value> {
        let mut answer = Map::new();
        answer.insert(member.to_owned(), page);
        if let Some(next) = next {
            answer.insert("NextToken".to_owned(), next.into());
        }
        answer
    }

    /// The items one by one, as the answer has them, and the token.
    pub(super) fn finish(
        self,
        member: &str,
        convert: impl Fn(Item) -> Option<Value>,
    ) -> Map<String, Value> {
        let items = self.items.into_iter().filter_map(convert).collect();
        Self::answer(self.next, member, Value::Array(items))
    }

    /// The items as pairs, as the answer has them, and the token.
    pub(super) fn finish_map(
        self,
        member: &str,
        convert: impl Fn(Item) -> (String, Value),
    ) -> Map<String, Value> {
        let items = self.items.into_iter().map(convert).collect();
        Self::answer(self.next, member, Value::Object(items))
    }
}

/// The position after which the page begins, as text; none at the start.
pub(super) fn position(operation: Operation, request: &Request) -> Result<Option<String>, Refusal> {
    let Some(token) = request.text("NextToken") else { return Ok(None) };
    let unknown = || Refusal::invalid("The provided NextToken is invalid");
    let text = from_hex(token).ok_or_else(unknown)?;
    let position = text
        .strip_prefix(operation.name())
        .and_then(|rest| rest.strip_prefix(':'))
        .ok_or_else(unknown)?;
    Ok(Some(position.to_owned()).filter(|position| !position.is_empty()))
}

/// The position after which the page begins, as a key; 0 at the start.
pub(super) fn key_position(operation: Operation, request: &Request) -> Result<u64, Refusal> {
    let position = position(operation, request)?;
    Ok(position.and_then(|position| position.parse().ok()).unwrap_or_default())
}

/// A page with nothing on it, and the token with which the listing goes on where it stands; none
/// where the operation has no pages.
pub(in crate::cloud_map) fn empty_page(operation: Operation, request: &Request) -> Option<Value> {
    let (member, empty) = operation.empty_page()?;
    let next = request.text("NextToken").map_or_else(|| token(operation, ""), str::to_owned);
    Some(Value::Object(Page::<()>::answer(Some(next), member, empty)))
}

/// Hexadecimal, so that nobody reads a meaning into it.
fn token(operation: Operation, position: &str) -> String {
    let mut token = String::new();
    for byte in format!("{}:{position}", operation.name()).bytes() {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    token
}

fn from_hex(token: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = token
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let pairs = digits?;
    let bytes = pairs
        .chunks(2)
        .map(|pair| if let [high, low] = pair { Some(high << 4 | low) } else { None });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}
