//! A source that is opened when it is first read, so that one that can't be opened costs the others
//! nothing.
//!
//! Until it is open, each read tries to open it and fails with the reason. The core tries a read
//! again that has failed, ever more rarely, and reports the source as one that can't be read.

use futures::future::BoxFuture;
use istio_cloud_map_core::cloud_map::{Namespace, Service, Tag};
use istio_cloud_map_core::operator::{InstancesRead, NamespaceOwner, Page, ReadError};
use istio_cloud_map_core::sorted::SortedMap;
use tokio::sync::{Notify, OnceCell};

use super::Source;

/// Opens a source.
pub type Open =
    Box<dyn Fn() -> BoxFuture<'static, Result<Box<dyn Source>, ReadError>> + Send + Sync>;

/// A source, once it is open.
pub struct LazySource {
    open: Open,
    source: OnceCell<Box<dyn Source>>,
    opened: Notify,
}

impl LazySource {
    /// One that `open` opens.
    pub fn new(open: Open) -> Self {
        Self { open, source: OnceCell::new(), opened: Notify::new() }
    }

    /// The source; opened now, if it is not open. One attempt at a time.
    async fn source(&self) -> Result<&dyn Source, ReadError> {
        let open = async {
            let source = (self.open)().await?;
            self.opened.notify_one();
            Ok(source)
        };
        self.source.get_or_try_init(|| open).await.map(AsRef::as_ref)
    }
}

impl Source for LazySource {
    fn namespaces(
        &self,
        owner: NamespaceOwner,
        token: Option<String>,
    ) -> BoxFuture<'_, Result<Page<Namespace>, ReadError>> {
        Box::pin(async move { self.source().await?.namespaces(owner, token).await })
    }

    fn services<'a>(
        &'a self,
        namespace: &'a Namespace,
        token: Option<String>,
    ) -> BoxFuture<'a, Result<Page<Service>, ReadError>> {
        Box::pin(async move { self.source().await?.services(namespace, token).await })
    }

    fn revision<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<i64, ReadError>> {
        Box::pin(async move { self.source().await?.revision(namespace, service).await })
    }

    fn instances<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<InstancesRead, ReadError>> {
        Box::pin(async move { self.source().await?.instances(namespace, service).await })
    }

    fn service_attributes<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<SortedMap<String, String>, ReadError>> {
        Box::pin(async move { self.source().await?.service_attributes(namespace, service).await })
    }

    fn tags<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ReadError>> {
        Box::pin(async move { self.source().await?.tags(namespace, service).await })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            loop {
                if let Some(source) = self.source.get() {
                    return source.changed().await;
                }
                self.opened.notified().await;
                // It is stored right after.
                tokio::task::yield_now().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use istio_cloud_map_core::cloud_map::InputOptions;
    use istio_cloud_map_core::operator::ReadFailure;

    use super::*;
    use crate::source::file::FileSource;

    #[tokio::test]
    async fn a_source_that_cannot_be_opened_answers_with_why_and_is_tried_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, r#"{"services": []}"#).unwrap();
        let (path, works) = (file.path().to_owned(), Arc::new(AtomicBool::new(false)));
        let does = works.clone();
        let source = LazySource::new(Box::new(move || {
            let (path, works) = (path.clone(), does.load(Ordering::Relaxed));
            Box::pin(async move {
                if !works {
                    let message = "no credentials".to_owned();
                    return Err(ReadError { failure: ReadFailure::Credentials, message });
                }
                Ok(Box::new(FileSource::open(path, InputOptions::default()).unwrap()) as _)
            })
        }));
        let error = source.namespaces(NamespaceOwner::Own, None).await.unwrap_err();
        assert_eq!(error.message, "no credentials");
        works.store(true, Ordering::Relaxed);
        assert!(source.namespaces(NamespaceOwner::Own, None).await.unwrap().items.is_empty());
    }
}
