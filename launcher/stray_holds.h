// What is taken out of this node although neither launcher.yaml nor the journal speaks of it: a mistake in one and the loss
// of the other must not keep a component away. The record beside what is held says what it is; without one its file name does.
#pragma once

#include <string>
#include <vector>

#include "launcher/held_manifest.h"
#include "launcher/plan.h"

namespace launcher {

// What a component is called by its file or unit alone: "kube-scheduler" of "kube-scheduler.yaml". Always a component's name.
std::string component_name_for(const std::string& file);

// Whether what is held at `place` is this component's: by its record, and where that does not say, by its file's name.
bool is_hold_of(const component_definition& definition, const manifest_place& place, const held_state& state);

// One of a component that only the disk knows: its manifestDirectory is the manifest itself, it has no debug binary and
// cannot be taken out, only put back.
bool known_by_its_hold(const component_definition& definition);

struct stray_places {
    std::vector<std::string> manifests;  // directories of the kubelet's
    std::string units = "/run/systemd/system";
    std::string state{};  // the launcher's stateDirectory: units that were stopped
};

// Of every held manifest, runtime drop-in and stopped unit that none of `known` is responsible for, a definition to put it back by. What
// cannot be looked at is skipped: it is said where its component is asked for.
std::vector<component_definition> stray_holds(const stray_places& where, const std::vector<component_definition>& known);

}  // namespace launcher
