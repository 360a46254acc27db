//! The parameters of a world, drawn.

use fastrand::Rng;
use istio_cloud_map_core::translate::Conflicts;

use super::{Plan, pick};
use crate::cloud::Bucket;
use crate::driver::{Change, Settings};
use crate::random::settings;
use crate::time::{MS, S, Us};
use crate::world::{Latency, World};

/// Whether hints are read, and whether services of one host are merged.
fn draw_hints_and_merging(world: &mut World, rng: &mut Rng, settings: &mut Settings) {
    settings.hints = pick(rng, &[(false, false), (false, false), (true, false), (true, true)])
        .unwrap_or_default();
    world.truth.hints = settings.hints;
    if rng.u8(0..3) == 0 {
        settings.translate.conflicts = Conflicts::Merge;
        world.truth.options.conflicts = Conflicts::Merge;
    }
}

impl Plan {
    #[expect(clippy::too_many_lines, reason = "one drawing after another")]
    pub(super) fn draw(world: &mut World) -> Self {
        let mut rng = Rng::with_seed(world.rng.u64(..));
        let sources: Vec<String> = ["east", "west", "south"]
            .iter()
            .take(rng.usize(1..=3))
            .map(|name| (*name).to_owned())
            .collect();
        let slow_one_in = pick(&mut rng, &[0, 50, 200]).unwrap_or(0);
        let mut latency = |max: &[Us]| {
            let max = pick(&mut rng, max).unwrap_or(50 * MS);
            Latency { min: max / 10, max, slow_one_in, slowest: 2_500 * MS }
        };
        world.net.read = latency(&[30 * MS, 100 * MS, 300 * MS]);
        world.net.write = latency(&[30 * MS, 100 * MS, 600 * MS]);
        world.net.watch = latency(&[20 * MS, 200 * MS, 1_500 * MS]);
        world.net.list = latency(&[100 * MS, 1_000 * MS, 2_000 * MS]);
        let data_rate = pick(&mut rng, &[30, 100, 300]).unwrap_or(300);
        let once = rng.u8(0..10) == 0;
        let one_target = rng.bool();
        let targets: Vec<(String, String)> = sources
            .iter()
            .map(|name| {
                (
                    name.clone(),
                    if one_target { "default".to_owned() } else { format!("mesh-{name}") },
                )
            })
            .collect();
        let mut settings = settings(
            &targets
                .iter()
                .map(|(name, target)| (name.as_str(), target.as_str()))
                .collect::<Vec<_>>(),
        );
        settings.adopt = rng.u8(0..4) == 0;
        settings.policy = pick(
            &mut rng,
            &[
                Change::Sync,
                Change::Sync,
                Change::Sync,
                Change::Sync,
                Change::UpsertOnly,
                Change::CreateOnly,
            ],
        )
        .unwrap_or(Change::Sync);
        settings.interval = pick(&mut rng, &[S, 2 * S, 5 * S]).unwrap_or(5 * S);
        settings.empty_grace = pick(&mut rng, &[5 * S, 10 * S, 20 * S]).unwrap_or(10 * S);
        settings.catalogue_interval = pick(&mut rng, &[10 * S, 30 * S]).unwrap_or(30 * S);
        settings.max_delete_percent = pick(&mut rng, &[10, 30, 30, 50, 100]).unwrap_or(30);
        settings.reads_in_flight = pick(&mut rng, &[2, 8, 32]).unwrap_or(32);
        settings.writes_in_flight = pick(&mut rng, &[1, 4, 16]).unwrap_or(16);
        settings.data_rate = data_rate;
        settings.once = once;
        draw_hints_and_merging(world, &mut rng, &mut settings);
        // Two sources of one account and region.
        let is_shared = sources.len() > 1 && rng.u8(0..3) == 0;
        let sharing = if is_shared { 2 } else { 0 };
        for source in settings.sources.iter_mut().take(sharing) {
            "account".clone_into(&mut source.quota);
        }
        let quotas: Vec<String> =
            settings.sources.iter().map(|source| source.quota.clone()).collect();
        // Two operators: of one id with other sources, or of another id with the same ones.
        let pair = if once { 9 } else { rng.u8(0..10) };
        let mut all = vec![settings.clone()];
        if pair == 0 {
            all.push(Settings { owner: "another".to_owned(), ..settings });
        } else if pair == 1 && sources.len() > 1 {
            let others =
                all.first_mut().map(|first| first.sources.split_off(1)).unwrap_or_default();
            all.push(Settings { sources: others, ..settings });
        }
        for settings in &all {
            for source in &settings.sources {
                world.truth.targets.insert(source.name.clone(), source.target_namespace.clone());
            }
        }
        let shares = if pair == 0 || pair == 1 && is_shared { 2 } else { 1 };
        let services = rng.usize(5..=40);
        for (source, quota) in sources.iter().zip(&quotas) {
            let rate = u64::from(data_rate) * shares;
            world.cloud.add_quota(
                quota,
                Bucket::new(2 * shares, 10 * shares),
                Bucket::new(rate, rate),
            );
            world.cloud.add_source(source, quota);
            for number in 0..rng.usize(1..=4) {
                // Sometimes two sources have the same name, and thus services that claim the same
                // host.
                let name = if number == 0 && rng.u8(0..4) == 0 && pair != 1 {
                    "shared".to_owned()
                } else {
                    format!("{source}-{number}")
                };
                world.cloud.add_namespace(source, &name);
            }
        }
        let plan = Self {
            once,
            until: rng.u64(90..=240) * S,
            pace: pick(&mut rng, &[300 * MS, S, 4 * S]).unwrap_or(S),
            faults: rng.u8(0..10) < 6,
            meddling: rng.u8(0..10) < 5,
            restarts: rng.u8(0..10) < 3,
            sources,
        };
        world.rng = rng;
        for _ in 0..services {
            plan.make_service(world);
        }
        for at in world.cloud.services().iter().step_by(3) {
            plan.hint(world, at);
        }
        if world.rng.bool() {
            plan.foreign(world);
        }
        for settings in all {
            world.add_process(settings);
        }
        plan
    }
}
