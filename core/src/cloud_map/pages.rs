//! Whether the input is complete: pages that announce another one, and responses that end where AWS
//! truncates them.

use super::InputError;

/// How many instances `discover-instances` prints by default.
const DEFAULT_MAX_RESULTS: usize = 100;
/// How many it prints at most.
const HIGHEST_MAX_RESULTS: usize = 1000;

type Names = (String, String);

/// The pages that announce another one, until it has been read.
#[derive(Debug, Default)]
pub(super) struct Pages {
    open: Vec<Page>,
}

#[derive(Debug)]
struct Page {
    document: usize,
    /// The services whose instances it holds; empty if none is named.
    services: Vec<Names>,
}

impl Pages {
    /// Adds a document. It continues the first open page that shares a service with it.
    pub(super) fn read(&mut self, document: usize, services: Vec<Names>, has_next: bool) {
        let continues = |page: &Page| {
            page.services.is_empty()
                || services.is_empty()
                || page.services.iter().any(|name| services.contains(name))
        };
        if let Some(position) = self.open.iter().position(continues) {
            self.open.remove(position);
        }
        if has_next {
            self.open.push(Page { document, services });
        }
    }

    /// Whether a page is missing so far.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Rejects an input that lacks a page.
    pub(super) fn finish(&self, documents: usize) -> Result<(), InputError> {
        let Some(page) = self.open.first() else { return Ok(()) };
        let place =
            if documents > 1 { format!("document {}: ", page.document) } else { String::new() };
        Err(InputError::shape(format!(
            "{place}`NextToken` announces another page, but no later document is that page; expected all pages: run `aws` without \
             `--max-items`, `--page-size` and `--no-paginate`, or append the other pages"
        )))
    }
}

/// Why a response of `discover-instances` with this number of instances may be truncated.
pub(super) fn cut_off(instances: usize) -> Option<String> {
    match instances {
        DEFAULT_MAX_RESULTS => Some(format!(
            "it has exactly {instances} instances, which is where `aws servicediscovery discover-instances` stops by default, so there may \
             be more; add `--max-results 1000`"
        )),
        HIGHEST_MAX_RESULTS => Some(format!(
            "it has exactly {instances} instances, which is where `aws servicediscovery discover-instances --max-results 1000` stops, so \
             there may be more; `aws servicediscovery list-instances` prints all"
        )),
        _ => None,
    }
}
