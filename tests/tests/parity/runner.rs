//! A host as the test sees it.

use std::path::Path;

use istio_cloud_map_tests::bed::PlainHost;

use crate::call::Call;
use crate::case::Case;
use crate::module;
use crate::package::{Package, Way};
use crate::plain::Plain;
use crate::policy::{Filled, Verdicts};

/// A way to call the core. To add one: implement this in a file of its own, and name it in [`all`].
pub trait Runner {
    fn name(&self) -> &str;

    /// What to ask, and what the core answers natively; or why the case is none for this host.
    fn question(&self, case: &Case) -> Result<Question, &'static str>;

    /// An answer for each question, in their order.
    fn answers(&self, call: Call, questions: &[&[u8]]) -> Vec<Vec<u8>>;
}

pub struct Question {
    pub asked: Vec<u8>,
    pub expected: Vec<u8>,
}

/// Every host there is. The npm package is one where it has been assembled.
pub fn all(plain_module: &Path) -> Vec<Box<dyn Runner>> {
    let plain = PlainHost::all(Path::new(env!("CARGO_BIN_EXE_plain-host"))).into_iter();
    let mut all: Vec<Box<dyn Runner>> =
        plain.map(|host| Box::new(Plain::new(host, plain_module)) as _).collect();
    all.push(Box::new(Filled::start()));
    all.push(Box::new(Verdicts::start()));
    let package = module::built("npm");
    if package.exists() {
        all.extend(
            [Way::Objects, Way::Text]
                .map(|way| Box::new(Package::new(&package, way)) as Box<dyn Runner>),
        );
    } else {
        println!("parity: {} is missing, and not compared", package.display());
    }
    all
}
