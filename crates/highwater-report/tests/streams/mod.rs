//! The event stream of the demo, as long as wanted.

use highwater_model::{Event, EventBody, NoticeLevel, Phase, ProcessState, Report, ScenarioReport, Tick};

use crate::samples::{MS, S, configuration, host};

/// Collects events and numbers them.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) events: Vec<Event>,
}

impl Stream {
    pub(crate) fn push(&mut self, at_ns: u64, body: EventBody) {
        let sequence = self.events.len() as u64;
        self.events.push(Event {
            sequence,
            at_ns,
            body,
        });
    }
}

/// Everything up to `until_ns`, told from a finished scenario.
pub(crate) fn of(report: &Report, until_ns: u64) -> Stream {
    let scenario = &report.scenarios[0];
    let mut all: Vec<(u64, EventBody)> = vec![
        (0, started(report)),
        (100 * MS, scenario_started(scenario)),
        (110 * MS, process(ProcessState::Starting, Some(4_107), "")),
        (
            290 * MS,
            process(ProcessState::Ready, Some(4_107), "127.0.0.1:41731"),
        ),
        (
            300 * MS,
            EventBody::Notice {
                level: NoticeLevel::Warning,
                text: "load average 2.4 on 2 cores: figures may suffer".to_owned(),
            },
        ),
    ];
    all.extend(
        scenario
            .phases
            .iter()
            .map(|phase| (phase.start_ns, EventBody::PhaseStarted { phase: phase.phase })),
    );
    all.extend(ticks(scenario));
    for fault in &scenario.faults {
        let (Some(fired), Some(lifted)) = (fault.fired_at_ns, fault.lifted_at_ns) else {
            continue;
        };
        all.push((fired, process(ProcessState::Killed, None, "")));
        all.push((
            fired,
            EventBody::FaultFired {
                kind: fault.kind.clone(),
                proof: "the broker process ended by signal 9".to_owned(),
                in_flight: fault.in_flight,
            },
        ));
        all.push((fired + 100 * MS, process(ProcessState::Starting, Some(4_167), "")));
        all.push((
            lifted,
            process(ProcessState::Ready, Some(4_167), "127.0.0.1:41731"),
        ));
        all.push((
            lifted,
            EventBody::FaultLifted {
                kind: fault.kind.clone(),
                detail: "the broker answers again".to_owned(),
                outage_ns: lifted - fired,
            },
        ));
        if let Some(after_ns) = fault.recovery_ns {
            all.push((fired + after_ns, EventBody::Recovered { after_ns }));
        }
    }
    let end_ns = scenario.started_ns + scenario.duration_ns;
    all.push((
        end_ns - 500 * MS,
        EventBody::ReadBack {
            read: 12_000,
            expected: 30_000,
        },
    ));
    all.push((
        end_ns,
        EventBody::ScenarioFinished {
            report: Box::new(scenario.clone()),
        },
    ));
    all.push((
        end_ns + S,
        EventBody::RunFinished {
            report: Box::new(report.clone()),
        },
    ));
    all.sort_by_key(|(at_ns, _)| *at_ns);
    let mut stream = Stream::default();
    for (at_ns, body) in all.into_iter().filter(|(at_ns, _)| *at_ns <= until_ns) {
        stream.push(at_ns, body);
    }
    stream
}

fn started(report: &Report) -> EventBody {
    EventBody::RunStarted {
        highwater_version: report.highwater_version.clone(),
        name: report.name.clone(),
        run_id: report.run_id.clone(),
        seed: report.seed.clone(),
        command: report.command.clone(),
        started_at: report.started_at.clone(),
        scenarios: report
            .scenarios
            .iter()
            .map(|scenario| scenario.name.clone())
            .collect(),
        quick: report.quick,
        host: host(),
    }
}

fn scenario_started(scenario: &ScenarioReport) -> EventBody {
    EventBody::ScenarioStarted {
        name: scenario.name.clone(),
        repetition: scenario.repetition,
        summary: scenario.summary.clone(),
        target: scenario.target.clone(),
        expected_ns: 34 * S,
        phases: Phase::ALL.to_vec(),
        configuration: configuration(),
    }
}

fn process(state: ProcessState, pid: Option<u32>, detail: &str) -> EventBody {
    EventBody::Process {
        process: "dev broker".to_owned(),
        pid,
        state,
        detail: detail.to_owned(),
    }
}

fn ticks(scenario: &ScenarioReport) -> Vec<(u64, EventBody)> {
    let mut due = 0;
    let mut acknowledged = 0;
    let mut oldest: Option<u64> = None;
    scenario
        .timeline
        .iter()
        .map(|bin| {
            due += bin.due;
            acknowledged += bin.acknowledged;
            let end_ns = bin.start_ns + bin.width_ns;
            oldest = match bin.acknowledged {
                0 => oldest.or(Some(bin.start_ns)),
                _ => None,
            };
            let arrived = bin.acknowledged > 0;
            let tick = Tick {
                interval_ns: bin.width_ns,
                due,
                handed_over: due,
                acknowledged,
                received: acknowledged,
                consumers: 1,
                offered_per_s: Some(1_000.0),
                achieved_per_s: bin.acknowledged as f64 * 1e9 / bin.width_ns as f64,
                response_p50_ns: bin.response_p50_ns.filter(|_| arrived),
                response_p95_ns: bin.response_p99_ns.filter(|_| arrived),
                response_max_ns: bin.response_max_ns.filter(|_| arrived),
                oldest_pending_ns: oldest.map_or(MS / 2, |from| end_ns - from),
                ..Tick::default()
            };
            (end_ns, EventBody::Tick(tick))
        })
        .collect()
}
