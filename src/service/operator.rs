//! What the operator of the machine has the service do, while nobody is connected.
//!
//! Must never hold: anything that a client may ask for.

use super::core::{Service, decided_at};
use super::decide;
use super::input::OperatorRecovery;
use crate::model::{Now, Principal, Refusal};

impl Service {
    /// Records that the operator starts a recovery.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such name, or it is suspended; nothing is recorded then.
    pub fn recover(
        &mut self,
        now: impl Into<Now>,
        wanted: &OperatorRecovery,
    ) -> Result<(), Refusal> {
        let now = self.begin(now);
        for event in decide::recover(self.case(now), wanted)? {
            self.happen(decided_at(now), event);
        }
        Ok(())
    }

    /// Erases a principal for the operator. What it wrote can be read until its key is destroyed.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such name; nothing is recorded then.
    pub fn erase(&mut self, now: impl Into<Now>, principal: &Principal) -> Result<(), Refusal> {
        let now = self.begin(now);
        for event in decide::erase(self.case(now), principal)? {
            self.happen(decided_at(now), event);
        }
        Ok(())
    }
}
