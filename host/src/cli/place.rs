//! `--from` and `--to`.

use std::path::PathBuf;
use std::str::FromStr;

/// Where Cloud Map's content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// AWS itself.
    Aws,
    /// A snapshot.
    File(PathBuf),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("file:")) {
            ("aws", _) => Ok(Self::Aws),
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("expected aws or file:PATH".to_owned()),
        }
    }
}

/// Where entries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A cluster.
    Kube,
    /// A directory, one file an entry.
    Dir(PathBuf),
    /// Standard output.
    Stdout,
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("dir:")) {
            ("kube", _) => Ok(Self::Kube),
            ("-", _) => Ok(Self::Stdout),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Dir(path.into())),
            _ => Err("expected kube, dir:PATH or -".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_documented() {
        assert_eq!("aws".parse(), Ok(From::Aws));
        assert_eq!("file:a.json".parse(), Ok(From::File("a.json".into())));
        assert_eq!("dir:out".parse(), Ok(To::Dir("out".into())));
        assert_eq!("-".parse(), Ok(To::Stdout));
        assert!("file:".parse::<From>().is_err() && "dirout".parse::<To>().is_err());
    }
}
