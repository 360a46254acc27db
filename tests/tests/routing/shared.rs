//! Services that share ports, in one world.

use istio_cloud_map_core::cloud_map::{HealthCheckConfig, Instance, Namespace, Record, Service};
use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::sorted::SortedMap;
use istio_cloud_map_core::translate::Options;
use istio_cloud_map_tests::bed::{RoutedService, Routes};

use crate::case::Case;
use crate::compare::differences;

/// A service with one instance at each of `hosts` addresses for each of `ports`.
fn service(name: &str, network: usize, hosts: usize, ports: &[u16], check: &str) -> Record {
    let address = |host: usize| format!("10.{}.{}.{}", network / 250, network % 250, host + 1);
    let instance = |host: usize, port: u16| Instance {
        id: format!("i-{host}-{port}"),
        attributes: SortedMap::from([
            ("AWS_INSTANCE_IPV4".to_owned(), address(host)),
            ("AWS_INSTANCE_PORT".to_owned(), port.to_string()),
        ]),
        ..Instance::default()
    };
    let health_check_config = Some(HealthCheckConfig { kind: Some(check.to_owned()) });
    Record {
        source: "default".to_owned(),
        namespace: Namespace { name: "prod".to_owned(), ..Namespace::default() },
        service: Service { name: name.to_owned(), health_check_config, ..Service::default() },
        instances: (0..hosts)
            .flat_map(|host| ports.iter().map(move |port| instance(host, *port)))
            .collect(),
        ..Record::default()
    }
}

/// What Istio makes of these services in one world, and where that differs from what they mean.
async fn routed_together(records: Vec<Record>) -> (Case, Vec<RoutedService>, Vec<String>) {
    let case = Case::new("shared".to_owned(), records, &Options::default());
    let mut worlds = Routes::start().await.worlds(&[case.entries_json()]).await;
    let routed = worlds.pop().unwrap();
    assert_eq!(routed.len(), case.meanings.len());
    let pairs = case.entries.iter().zip(&routed);
    let found = pairs.flat_map(|(entry, service)| {
        let found = differences(&case.meanings[&service.host], entry, service);
        found.into_iter().map(|text| format!("{}: {text}", service.host))
    });
    let found = found.collect();
    (case, routed, found)
}

#[tokio::test]
async fn a_thousand_services_that_share_ports_are_all_reached() {
    let record = |number: usize| {
        let name = format!("svc-{number}");
        match number % 5 {
            0 => service(&name, number, 1, &[80], "HTTP"),
            1 => service(&name, number, 3, &[80, 443], "HTTP"),
            2 => service(&name, number, 2, &[443], "TCP"),
            3 => service(&name, number, 4, &[8080], "HTTP"),
            _ => service(&name, number, number % 3 + 1, &[5432], "TCP"),
        }
    };
    let started = std::time::Instant::now();
    let (case, _, found) = routed_together((0..1000).map(record).collect()).await;
    println!(
        "shared: {} entries in one world, {} differences ({:.1?})",
        case.entries.len(),
        found.len(),
        started.elapsed()
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn of_two_tcp_services_without_addresses_on_one_port_the_second_is_unreachable_as_its_warning_says()
 {
    let records = ["a", "b"]
        .iter()
        .enumerate()
        .map(|(n, name)| service(name, n, 17, &[5432], "TCP"))
        .collect();
    let (case, _, found) = routed_together(records).await;
    let warnings =
        case.diagnostics.iter().filter(|diagnostic| diagnostic.code == Code::TcpWithoutAddress);
    assert_eq!(warnings.count(), 2);
    assert!(
        !found.is_empty()
            && found.iter().all(|text| text.starts_with("b.prod: port 5432: not reached")),
        "{found:#?}"
    );
}
