//! Where in a document something is, as `spec.ports[0].number`.

use std::fmt;

/// A place in a document. It lives on the stack of whoever reads the document, and becomes text
/// only where there is something to say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'p> {
    /// The document.
    Root,
    /// A field of an object.
    Key(&'p Path<'p>, &'p str),
    /// An item of a list.
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(super) const fn key(&'p self, key: &'p str) -> Self {
        Self::Key(self, key)
    }

    pub(super) const fn index(&'p self, index: usize) -> Self {
        Self::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, key) if !is_plain(key) => write!(f, "{parent}[{key:?}]"),
            Self::Key(Path::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
        }
    }
}

/// A key with a dot in it, as labels have, would read as two.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_kubernetes_writes_it() {
        let (spec, ports, metadata) =
            (Path::Root.key("spec"), Path::Root.key("spec"), Path::Root.key("metadata"));
        let (ports, labels) = (ports.key("ports"), metadata.key("labels"));
        assert_eq!(spec.to_string(), "spec");
        assert_eq!(ports.index(3).key("targetPort").to_string(), "spec.ports[3].targetPort");
        assert_eq!(labels.key("istio.io/rev").to_string(), r#"metadata.labels["istio.io/rev"]"#);
        assert_eq!(labels.key("").to_string(), r#"metadata.labels[""]"#);
    }
}
