//! Which events need no more than a look at their header.
//!
//! In: what a run asks for. Out: [`Triage`], by event code. Next: [`crate::feed`] counts such
//! events by thread without decoding or copying them; the session takes the counts.
//!
//! Most events of a filtered run can neither match nor change the state: they have a number and a
//! time, and their thread exists. That is all that may be left of them, so whoever looks at more
//! (a capture file that is written, enter events shown, a limit of event time) gets them whole.

use crate::bytes::read_uint;
use crate::decode::{Header, Sealed};
use crate::filter::Program;
use crate::plan::Plan;
use crate::state::State;
use crate::tables::{flag, EventInfo, Tables};

/// What is to be done with an event whose header is enough.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// How many parameters the event must have; any number without.
    params: Option<usize>,
    /// Bytes of an entry of its length table.
    pub width: usize,
    /// Whether its thread is made when it is not known.
    pub creates: bool,
    /// What has to be looked at to know that the filter rejects it.
    rejected: Rejected,
}

/// When an event is known to be rejected by the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejected {
    Always,
    /// By the number of its call in its first parameter, or by its time.
    ByCall,
    /// By its time.
    ByTime,
}

/// Code of the exit of calls that have no event of their own.
const EXIT_WITHOUT_EVENT: u16 = 1;

/// The codes whose events need only a glance.
#[derive(Debug, Default)]
pub struct Triage {
    by_code: Vec<Option<Glance>>,
    /// Calls without an event of their own, by number: whether a glance is enough.
    by_call: Vec<bool>,
    /// First and last time of events that the filter can take.
    span_ns: (u64, u64),
}

impl Triage {
    /// Finds the codes that neither `filter` nor the plan's output nor the state looks into.
    pub fn new(plan: &Plan, filter: Option<&Program>, state: &State, tables: &Tables) -> Self {
        let options = &plan.options;
        let looks_at_all = options.enter || options.live || options.max_event_ns.is_some();
        let Some(filter) = filter.filter(|_| !looks_at_all && !plan.output.sees_all()) else {
            return Triage::default();
        };
        let glance = |event: &EventInfo| {
            let creates = state.only_creates(event.code)?;
            let params = current_params(event)?;
            let rejected = if !filter.can_match(event.code) {
                Rejected::Always
            } else if event.code == EXIT_WITHOUT_EVENT && filter.knows_calls() {
                Rejected::ByCall
            } else if filter.span_ns() != (0, u64::MAX) {
                Rejected::ByTime
            } else {
                return None;
            };
            let is_plain = !event.is_internal && !event.is_meta;
            is_plain.then_some(Glance { params, creates, rejected, width: event.len_width() })
        };
        let calls = (0..).zip(&tables.ppm_sc).map(|(number, _)| !filter.can_match_call(number));
        Triage {
            by_code: tables.events.iter().map(glance).collect(),
            by_call: calls.collect(),
            span_ns: filter.span_ns(),
        }
    }

    /// The header of an event that needs no more than that, and whether it makes its thread.
    #[inline]
    pub fn glance<'a>(&self, event: &Sealed<'a>) -> Option<(Header<'a>, bool)> {
        let glance = self.by_code.get(usize::from(event.code))?.as_ref()?;
        let header = event.header(glance.width)?;
        let is_current = glance.params.map_or(true, |wanted| wanted == header.params);
        let is_rejected = match glance.rejected {
            Rejected::Always => true,
            Rejected::ByCall => self.rejects_call(&header) || self.rejects_time(&header),
            Rejected::ByTime => self.rejects_time(&header),
        };
        (is_current && is_rejected).then_some((header, glance.creates))
    }

    fn rejects_time(&self, header: &Header<'_>) -> bool {
        let (first, last) = self.span_ns;
        !(first..=last).contains(&header.ts_ns)
    }

    fn rejects_call(&self, header: &Header<'_>) -> bool {
        let number = header.first_param().and_then(read_uint);
        let number = number.and_then(|number| usize::try_from(number).ok());
        number.and_then(|number| self.by_call.get(number)).copied().unwrap_or(false)
    }
}

/// With how many parameters the events are such that [`crate::convert`] lets them pass as they
/// are; nothing when it never does.
fn current_params(event: &EventInfo) -> Option<Option<usize>> {
    let is_old = event.has(flag::OLD_VERSION);
    if event.has(flag::UNUSED) || is_old && (event.is_enter || event.has(flag::CONVERTER_MANAGED)) {
        return None;
    }
    if !event.has(flag::CONVERTER_MANAGED) {
        return Some(None);
    }
    (!event.is_enter).then_some(Some(event.params.len()))
}
