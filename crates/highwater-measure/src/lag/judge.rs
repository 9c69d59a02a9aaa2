//! The rules, in their order.

use highwater_model::{LagJudgement, LagSample, LagState, LagVerdict};

use super::Judging;
use super::slope::{Series, slope};
use crate::quantity;

/// Judges a group in a partition by readings in the order of their moments; the last one is the present.
#[must_use]
pub fn judge(readings: &[LagSample], judging: &Judging) -> LagJudgement {
    let Some(last) = readings.last() else {
        return said(LagVerdict::Unknown, "there is no reading".to_owned());
    };
    if let Some(reason) = &last.unreadable {
        return said(LagVerdict::Unknown, format!("it could not be read: {reason}"));
    }
    let since = last.at_ms.saturating_sub(millis(judging.window));
    let window = Window {
        readings: readings
            .iter()
            .filter(|one| one.at_ms >= since && one.unreadable.is_none())
            .collect(),
        last,
        judging,
    };
    // What is gone is gone, however short the window.
    window
        .data_lost()
        .or_else(|| window.too_few())
        .or_else(|| window.at_risk())
        .or_else(|| window.rewound())
        .or_else(|| window.stands_still())
        .or_else(|| window.drifts())
        .unwrap_or_else(|| window.keeps_up())
}

fn said(verdict: LagVerdict, evidence: String) -> LagJudgement {
    LagJudgement { verdict, evidence }
}

fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn span(ms: i64) -> String {
    quantity::duration(ms.max(0).unsigned_abs().saturating_mul(1_000_000))
}

fn offsets(count: u64) -> String {
    quantity::counted(count, "record", "records")
}

/// Readings that could be made, within the time that counts.
struct Window<'a> {
    readings: Vec<&'a LagSample>,
    last: &'a LagSample,
    judging: &'a Judging,
}

impl Window<'_> {
    fn length_ms(&self) -> i64 {
        self.readings
            .first()
            .map_or(0, |first| self.last.at_ms.saturating_sub(first.at_ms))
    }

    fn data_lost(&self) -> Option<LagJudgement> {
        let lost = self.readings.iter().rev().find_map(|one| match one.state() {
            LagState::OffsetDeleted { lost } => Some((one, lost)),
            _ => None,
        });
        if let Some((reading, lost)) = lost {
            let evidence = format!(
                "the group was at {} when the log began at {}: {} went before it had read them",
                reading.committed.unwrap_or_default(),
                reading.log_start,
                offsets(lost)
            );
            return Some(said(LagVerdict::DataLost { records: lost }, evidence));
        }
        // The start of the log went past it between two readings, and it was set on behind that.
        let jump = self.readings.windows(2).rev().find_map(|pair| {
            let (before, after) = (pair[0].committed?, pair[1].committed?);
            // What it read in between it would have had to read before the log began behind it.
            let jumped = before < pair[1].log_start && after == pair[1].log_start;
            jumped.then_some((before, after))
        });
        jump.map(|(before, after)| {
            let records = after.abs_diff(before);
            let evidence = format!(
                "the group went from {before} to {after}, where the log began by then: {} went unread",
                offsets(records)
            );
            said(LagVerdict::DataLost { records }, evidence)
        })
    }

    fn too_few(&self) -> Option<LagJudgement> {
        let readings = self.readings.len();
        if readings < self.judging.fewest {
            let evidence = format!(
                "{} in the window, at least {} are needed",
                quantity::counted(readings as u64, "reading", "readings"),
                self.judging.fewest
            );
            return Some(said(LagVerdict::Unknown, evidence));
        }
        let length = self.length_ms();
        (length < millis(self.judging.shortest)).then(|| {
            let evidence = format!(
                "the readings span {}, at least {} are needed",
                span(length),
                span(millis(self.judging.shortest))
            );
            said(LagVerdict::Unknown, evidence)
        })
    }

    /// By age (what it reads next against how long the topic keeps records), and by the pace at which the log loses
    /// its beginning: retention can go by size, too.
    fn at_risk(&self) -> Option<LagJudgement> {
        let last = self.last;
        let LagState::Known { records } = last.state() else {
            return None;
        };
        if records <= self.judging.marker {
            return None;
        }
        let risky = |seconds: f64| seconds >= 0.0 && seconds < self.judging.horizon.as_secs_f64();
        if let (Some(behind), Some(retention)) = (last.behind_ms, last.retention_ms) {
            // While it gets younger what it reads next is not overtaken.
            let left = (retention - behind) as f64 / 1e3;
            if risky(left.max(0.0)) && !self.gets_younger() {
                let evidence = format!(
                    "the record that it reads next is {} old, and the topic keeps records for {}",
                    span(behind),
                    span(retention)
                );
                return Some(said(
                    LagVerdict::AtRisk {
                        seconds: left.max(0.0) as u64,
                    },
                    evidence,
                ));
            }
        }
        let first = self.readings.first()?;
        let seconds = self.length_ms() as f64 / 1e3;
        let taken = (last.log_start - first.log_start) as f64 / seconds;
        let read = (last.committed? - first.committed?) as f64 / seconds;
        let ahead = (last.committed? - last.log_start) as f64;
        if taken <= read.max(0.0) {
            return None;
        }
        let left = ahead / (taken - read.max(0.0));
        risky(left).then(|| {
            let evidence = format!(
                "the log loses {taken:.1} records a second at its beginning, the group reads {:.1}, and is {} ahead of it",
                read.max(0.0),
                offsets(ahead.max(0.0) as u64)
            );
            said(LagVerdict::AtRisk { seconds: left as u64 }, evidence)
        })
    }

    fn gets_younger(&self) -> bool {
        let ages: Vec<(i64, i64)> = self
            .readings
            .iter()
            .filter_map(|one| Some((one.at_ms, one.behind_ms?)))
            .collect();
        match (ages.first(), ages.last()) {
            (Some(first), Some(last)) => last.1 < first.1,
            _ => false,
        }
    }

    fn rewound(&self) -> Option<LagJudgement> {
        let back = self.readings.windows(2).rev().find_map(|pair| {
            let (before, after) = (pair[0].committed?, pair[1].committed?);
            (after < before).then_some((before, after, pair[1].at_ms))
        });
        back.map(|(from, to, at_ms)| {
            let evidence = format!(
                "{} ago it was set back from {from} to {to}: {} come again",
                span(self.last.at_ms - at_ms),
                offsets(from.abs_diff(to))
            );
            said(LagVerdict::Rewound { from, to }, evidence)
        })
    }

    fn stands_still(&self) -> Option<LagJudgement> {
        let left = self.last.state().records()?;
        let moved = self
            .readings
            .windows(2)
            .any(|pair| pair[0].committed != pair[1].committed);
        // What is written now and then, and read at once, is not to be taken for something that nobody reads.
        let always = self.readings.iter().all(|one| {
            one.state()
                .records()
                .is_some_and(|left| left > self.judging.marker)
        });
        if moved || !always {
            return None;
        }
        let length = span(self.length_ms());
        let committed = match self.last.committed {
            Some(offset) => format!("it has been at {offset} for {length}"),
            None => format!("it has committed nothing for {length}"),
        };
        let (verdict, members) = match self.last.members {
            Some(0) => (LagVerdict::Stopped, ", and the group has no members".to_owned()),
            Some(members) => (
                LagVerdict::Stalled,
                format!(
                    ", and the group has {}",
                    quantity::counted(u64::from(members), "member", "members")
                ),
            ),
            None => (LagVerdict::Stalled, String::new()),
        };
        Some(said(
            verdict,
            format!("{committed}, with {} to read{members}", offsets(left)),
        ))
    }

    fn drifts(&self) -> Option<LagJudgement> {
        let first = self.readings.first()?;
        let lags = self.readings.iter().filter_map(|one| {
            let seconds = (one.at_ms - first.at_ms) as f64 / 1e3;
            Some((seconds, one.state().records()? as f64))
        });
        let consumed = match (first.committed, self.last.committed) {
            (Some(from), Some(to)) => (to - from) as f64,
            _ => 0.0,
        };
        let per_s = slope(&Series {
            lags: lags.collect(),
            consumed,
        })?;
        let left = self.last.state().records()?;
        let length = span(self.length_ms());
        if per_s > 0.0 {
            let evidence = format!(
                "its lag has grown by {per_s:.1} records a second for {length}, to {}",
                offsets(left)
            );
            return Some(said(LagVerdict::Slowing { per_s }, evidence));
        }
        let eta_s = (left as f64 / -per_s).ceil() as u64;
        let evidence = format!(
            "{} to go, {:.1} fewer each second for {length}",
            offsets(left),
            -per_s
        );
        Some(said(LagVerdict::CatchingUp { eta_s }, evidence))
    }

    fn keeps_up(&self) -> LagJudgement {
        let last = self.last;
        let evidence = match last.state() {
            LagState::AheadOfLog { records } => format!(
                "it committed {} beyond the end of the log, as if the topic had been made anew or cut off",
                offsets(records)
            ),
            state => format!("{} to read", offsets(state.records().unwrap_or(0))),
        };
        let held = last.held_back();
        let evidence = if held > 0 {
            format!("{evidence}; an open transaction holds {} back", offsets(held))
        } else {
            evidence
        };
        said(LagVerdict::Ok, evidence)
    }
}
