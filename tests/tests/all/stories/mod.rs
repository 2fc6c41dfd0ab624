//! How whole things run: the domain's operations, on both engines, without HTTP.

mod access;
mod adopting;
mod asking;
mod borders;
mod bulk;
mod certificates;
mod chains;
mod collecting;
mod counting;
mod delegation;
mod deploying;
mod enrolling;
mod facets;
mod fields;
mod going_on;
mod guarding;
mod histories;
mod identities;
mod issuing;
mod keyfactor;
mod keys;
mod log;
mod longest;
mod metadata;
mod moving;
mod naming;
mod patterns;
mod people;
mod private_keys;
mod reasons;
mod record;
mod renewing;
mod renewing_here;
mod revoking;
mod scoping;
mod searching;
mod sql;
mod storing;
mod urgent;
mod viewing;
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
    borders::notes_draw_no_key_into_a_scope,
    borders::a_new_scope_has_no_rights_yet,
    borders::a_new_container_has_no_rights_yet,
    borders::numbers_that_roles_name_are_passed_over_at_once,
    borders::an_import_names_owners_as_a_change_does,
    borders::owners_of_many_change_by_every_right,
    borders::stores_outside_a_container_are_not_told,
    bulk::what_is_looked_at_is_what_is_done,
    bulk::an_edit_goes_on_where_it_was_and_does_nothing_twice,
    bulk::rights_count_as_of_each_chunk,
    bulk::an_edit_is_cancelled_and_one_for_other_certificates_stops,
    bulk::owners_of_many_change_between_roles_one_holds,
    bulk::an_edit_ends_at_the_edge_of_its_collection,
    bulk::many_are_removed_except_what_is_needed,
    bulk::a_field_with_many_values_is_removed_by_a_job,
    bulk::a_removal_that_stops_lets_go_of_its_field,
    bulk::an_edit_of_others_is_not_told_of,
    certificates::importing_twice_changes_nothing,
    certificates::lists_filter_and_page,
    certificates::lists_go_on_where_their_last_row_was,
    certificates::a_name_without_end_is_no_cursor,
    certificates::searches_find_names_serials_and_fingerprints,
    certificates::hostile_names_are_held_and_found,
    certificates::owners_change_between_roles_one_holds,
    certificates::roles_are_not_told_by_their_numbers,
    certificates::what_is_in_use_is_not_removed,
    certificates::excluded_certificates_are_not_imported_again,
    chains::a_flood_of_one_name_hides_no_issuer,
    chains::paths_grow_with_the_inventory,
    chains::authorities_held_before_the_index_are_found_behind,
    chains::a_flood_of_namesakes_is_cut,
    chains::trust_sets_judge_certificates,
    chains::trust_sets_are_changed_by_whom_may,
    collecting::collections_are_scopes,
    collecting::values_are_offered,
    collecting::five_hundred_collections_agree_with_their_lists,
    collecting::reasons_name_the_collection,
    collecting::the_review_counts_what_collections_hold,
    delegation::sets_are_changed_and_removed,
    delegation::equal_sets_are_borders_too,
    delegation::sets_are_borders_of_administration,
    delegation::claims_hold_roles,
    delegation::the_expanded_right_looks_at_permission_sets,
    delegation::names_that_look_alike_are_refused,
    delegation::reasons_and_the_review_agree,
    delegation::decisions_agree_with_a_model,
    deploying::a_new_version_is_installed_everywhere,
    enrolling::a_template_means_its_default_pattern,
    enrolling::an_owner_is_as_the_pattern_says,
    enrolling::owners_are_asked_for_on_three_levels,
    enrolling::a_pattern_says_more_of_metadata_fields,
    enrolling::a_request_made_here_meets_its_certificate,
    enrolling::what_was_issued_is_issued_again,
    enrolling::what_changes_meanwhile_stops_what_was_drafted,
    facets::facets_lead_to_what_they_count,
    facets::versions_of_managed_ones_are_counted_by_their_days,
    going_on::an_edit_goes_on_with_what_a_token_brought,
    going_on::an_edit_stops_when_a_token_would_bring_nothing,
    going_on::a_client_of_ours_is_believed_until_it_is_revoked,
    going_on::a_job_of_a_store_goes_on_with_what_a_token_brought,
    guarding::what_sets_leave_on_a_collection_is_guarded,
    guarding::what_scopes_leave_on_a_collection_is_guarded,
    guarding::owners_are_not_reached_through_stores,
    guarding::what_moves_many_is_foreseen,
    guarding::readmitting_what_is_held_moves_it,
    histories::neighbours_of_a_removed_version_remember_it,
    histories::neighbours_outside_a_scope_are_not_named,
    histories::what_was_issued_instead_remembers_what_it_renewed,
    histories::events_name_the_collection_that_was_used,
    histories::numbers_are_told_with_their_names,
    identities::somebody_is_one_account_for_good,
    identities::an_account_of_a_provider_has_no_credentials_here,
    identities::whoever_speaks_through_a_provider_hands_out_its_rights,
    identities::a_provider_is_checked_and_its_revision_counts,
    identities::what_a_provider_says_of_an_account_is_not_above_whoever_disables_it,
    identities::accounts_of_an_issuer_are_known_by_the_same_members_for_good,
    identities::more_than_the_limits_allow_is_refused,
    issuing::a_private_authority_issues_and_revokes,
    issuing::what_nobody_should_sign_is_refused,
    issuing::a_private_authority_keeps_its_bounds,
    issuing::issuing_needs_its_right,
    keyfactor::clients_get_tokens_and_passwords_come_with_requests,
    keyfactor::revocation_is_recorded_and_taken_back,
    keyfactor::pages_are_ordered_and_numbered,
    keyfactor::an_owner_may_be_required,
    keyfactor::a_key_goes_with_its_certificate,
    keyfactor::rights_on_a_certificate_are_told,
    keyfactor::rights_through_stores_are_told,
    keyfactor::the_log_is_asked,
    keyfactor::who_enrolled_and_what_a_certificate_names_are_asked,
    keys::a_master_key_rotates_step_by_step,
    keys::two_nodes_that_begin_at_once_end_with_one_key,
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
    moving::what_stores_take_in_moves,
    moving::values_of_fields_that_scopes_look_at,
    moving::keys_of_held_certificates_that_scopes_look_at,
    moving::names_of_stores_are_offered_to_whoever_may_read_them,
    naming::names_stand_for_certificates,
    naming::identities_are_assigned,
    naming::identities_follow_managed_certificates,
    naming::a_password_gives_a_token_for_a_while,
    patterns::a_pattern_is_what_requests_are_held_against,
    patterns::patterns_are_checked_and_removed_with_care,
    people::a_password_opens_a_session,
    people::guessing_locks_the_account_for_that_address,
    people::sessions_end,
    people::tokens_are_bounded,
    people::who_takes_a_client_over_holds_what_it_brings,
    people::what_ends_makes_nothing_that_outlives_it,
    record::filters_find_what_they_say,
    record::a_log_extends_its_checkpoints_or_says_where_not,
    record::what_a_fast_clock_wrote_is_come_back_to,
    record::erased_events_stay_in_the_chain,
    record::events_of_an_earlier_version_lose_their_payload_only,
    record::a_delivery_leaves_nothing_out,
    private_keys::a_key_leaves_with_its_reason_and_ends,
    private_keys::a_key_ends_through_a_collection,
    private_keys::a_made_up_certificate_brings_no_key,
    private_keys::the_key_of_an_authority_takes_the_right_everywhere,
    private_keys::a_destroyed_key_leaves_orders_as_they_were,
    private_keys::a_key_waits_for_its_certificate,
    private_keys::a_waiting_key_is_nobody_elses,
    private_keys::a_strangers_certificate_answers_no_request,
    private_keys::a_key_ends_for_whoever_sees_nothing,
    reasons::reasons_of_owners_know_stores,
    reasons::who_may_knows_stores,
    reasons::reasons_know_what_includes_what,
    reasons::reasons_tell_what_more_is_needed,
    reasons::reasons_are_about_claims_and_clients,
    reasons::the_review_counts_what_stores_hold,
    scoping::names_of_owners_that_scopes_look_at,
    scoping::places_of_stores_that_scopes_look_at,
    scoping::managed_names_that_scopes_look_at,
    scoping::revokers_that_scopes_look_at,
    scoping::metadata_fields_that_collections_look_at,
    scoping::names_of_roles_are_offered_to_whoever_may_know_them,
    renewing::a_first_version_is_obtained_and_renewed,
    renewing::an_authoritys_words_are_kept_up_to_a_limit,
    renewing::a_failure_is_visible_and_retried,
    renewing::a_certificate_is_adopted,
    renewing::credentials_are_masked_and_kept,
    renewing::versions_may_share_a_key,
    renewing::what_is_used_is_not_removed,
    renewing_here::a_private_authority_issues_and_renews,
    renewing_here::what_enrolment_refuses_is_not_managed,
    renewing_here::what_a_pattern_asks_is_asked_at_the_beginning,
    renewing_here::what_an_authority_may_not_issue_is_not_managed,
    renewing_here::what_a_private_authority_refuses_is_told_and_tried_again,
    renewing_here::a_version_that_comes_too_late_is_not_recorded,
    adopting::what_is_held_goes_on_with_a_private_authority,
    adopting::a_compromised_key_is_not_certified_again,
    adopting::an_adopted_certificate_of_others_is_held_against_the_pattern,
    renewing_here::identities_follow_private_authorities,
    revoking::an_issuer_is_asked_until_it_answers,
    revoking::an_authority_that_stays_away_is_asked_once_a_day_and_told_once,
    revoking::what_an_issuer_refuses_is_asked_again_by_hand_only,
    revoking::an_issuer_goes_when_it_has_revoked_what_it_issued,
    revoking::what_is_revoked_is_found_by_who_revoked_it,
    searching::queries_ask_for_every_field,
    searching::counts_are_kept,
    counting::totals_are_what_lists_have,
    counting::totals_follow_what_happens,
    searching::frequent_values_are_not_indexed,
    searching::rare_values_are_indexed_again,
    searching::excess_is_answered,
    longest::the_longest_patterns_are_answered,
    searching::owners_have_any_name,
    searching::the_newest_stands_for_its_duplicates,
    storing::containers_group_stores,
    storing::stores_are_made_changed_and_found,
    storing::inventories_follow_their_schedule,
    storing::what_is_found_enters_the_inventory,
    storing::every_right_is_asked_for,
    storing::entries_are_put_in_and_taken_out,
    storing::rights_count_when_a_job_runs,
    storing::owners_change_through_containers,
    storing::queries_ask_where_certificates_are,
    storing::new_versions_go_into_stores,
    urgent::what_needs_somebody_now_is_told,
    viewing::views_are_ones_own,
    viewing::facets_count_what_their_conditions_find,
    viewing::owners_that_cannot_be_chosen_say_why,
    work::a_job_is_done_once,
    work::a_lost_lease_writes_nothing,
    work::another_master_key_is_refused,
}
