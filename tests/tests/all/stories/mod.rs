//! How whole things run: the domain's operations, on both engines, without HTTP.

mod access;
mod bulk;
mod certificates;
mod chains;
mod collecting;
mod delegation;
mod deploying;
mod keys;
mod log;
mod metadata;
mod people;
mod private_keys;
mod record;
mod renewing;
mod searching;
mod sql;
mod work;
pub mod world;

use world::World;

/// Defines one test per story, each on every engine, and the list of all of them for the SQL coverage.
macro_rules! stories {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            World::on_every_engine($module::$name);
        })+

        const ALL: &[fn(&World)] = &[$($module::$name),+];
    };
}

stories! {
    access::a_new_installation_has_one_administrator,
    access::rights_come_and_go_at_once,
    access::nobody_grants_what_they_do_not_hold,
    access::somebody_stays_administrator,
    access::sets_bound_roles,
    bulk::what_is_looked_at_is_what_is_done,
    bulk::an_edit_goes_on_where_it_was_and_does_nothing_twice,
    bulk::rights_count_as_of_each_chunk,
    bulk::an_edit_is_cancelled_and_one_for_other_certificates_stops,
    bulk::owners_of_many_change_between_roles_one_holds,
    bulk::a_field_with_many_values_is_removed_by_a_job,
    certificates::importing_twice_changes_nothing,
    certificates::lists_filter_and_page,
    certificates::searches_find_names_serials_and_fingerprints,
    certificates::hostile_names_are_held_and_found,
    certificates::owners_change_between_roles_one_holds,
    certificates::what_is_in_use_is_not_removed,
    chains::paths_grow_with_the_inventory,
    chains::authorities_held_before_the_index_are_found_behind,
    chains::a_flood_of_namesakes_is_cut,
    chains::trust_sets_judge_certificates,
    chains::trust_sets_are_changed_by_whom_may,
    collecting::collections_are_scopes,
    collecting::values_are_offered,
    delegation::sets_are_changed_and_removed,
    delegation::sets_are_borders_of_administration,
    delegation::claims_hold_roles,
    delegation::the_expanded_right_looks_at_permission_sets,
    delegation::names_that_look_alike_are_refused,
    delegation::reasons_and_the_review_agree,
    delegation::decisions_agree_with_a_model,
    deploying::a_new_version_is_installed_everywhere,
    keys::a_master_key_rotates_step_by_step,
    log::every_change_is_an_event,
    log::tampering_is_noticed,
    log::a_cut_off_end_is_noticed,
    metadata::values_are_typed_and_only_named_fields_change,
    metadata::queries_and_collections_ask_for_metadata,
    metadata::rights_decide_before_anything_is_looked_up,
    metadata::wrong_fields_are_refused,
    metadata::required_fields_and_defaults_meet_new_certificates,
    metadata::a_field_changes_its_type_only_when_all_values_fit,
    metadata::a_field_in_use_is_removed_by_force_only,
    people::a_password_opens_a_session,
    people::guessing_locks_the_account_for_that_address,
    people::sessions_end,
    people::tokens_are_bounded,
    record::filters_find_what_they_say,
    record::a_log_extends_its_checkpoints_or_says_where_not,
    record::erased_events_stay_in_the_chain,
    record::events_of_an_earlier_version_lose_their_payload_only,
    record::a_delivery_leaves_nothing_out,
    private_keys::a_key_leaves_with_its_reason_and_ends,
    private_keys::a_destroyed_key_leaves_orders_as_they_were,
    private_keys::a_key_waits_for_its_certificate,
    renewing::a_first_version_is_obtained_and_renewed,
    renewing::a_failure_is_visible_and_retried,
    renewing::a_certificate_is_adopted,
    renewing::credentials_are_masked_and_kept,
    renewing::versions_may_share_a_key,
    renewing::what_is_used_is_not_removed,
    searching::queries_ask_for_every_field,
    searching::counts_are_kept,
    work::a_job_is_done_once,
    work::a_lost_lease_writes_nothing,
    work::another_master_key_is_refused,
}
