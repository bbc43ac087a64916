//! A cloud that takes few calls at once: the role alone is read with more.

use mcpdeploy_local::{Switches, Throttle};

use super::STACK;
use super::rig::{Rig, run};
use crate::kinds::place::zips;

#[test]
fn an_operation_of_more_calls_than_are_taken_at_once_ends_well() {
    run(async {
        let mut rig = Rig::new().await;
        let slow = Throttle {
            rate: 20.0,
            burst: 3.0,
        };
        rig.switch(Switches {
            throttle: Some(slow),
            ..Switches::default()
        });
        let desired = rig.desired(STACK, &zips()[0]);
        let ended = rig.lab.run(&desired).await;
        rig.ended_well(ended, "apply");
        rig.lab.check(&desired).await;
        let ended = rig.lab.destroy(&desired).await;
        rig.ended_well(ended, "destroy");
        rig.switch(Switches::default());
        assert_eq!(rig.listed().await, rig.known());
    });
}
