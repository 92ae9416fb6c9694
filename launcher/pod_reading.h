// The parts of parse_pod_manifest. Faults are thrown as field_fault.
#pragma once

#include "launcher/pod_manifest.h"
#include "launcher/yaml_field.h"

namespace launcher::pod_reading {

// Names as the API checks them.
bool is_label(std::string_view name);       // "kube-system"
bool is_subdomain(std::string_view name);   // "kube-scheduler.example"
bool is_port_name(std::string_view name);   // "probe-port"
bool is_variable(std::string_view name);    // of the environment

pod_container read_container(const yaml_field& field);
pod_volume read_volume(const yaml_field& field);
pod_security read_security(const yaml_field& field);

// What only shows when all is read: names twice, a mount of a volume that is not there, a port that nobody has.
void check_whole(const pod_manifest& manifest, const yaml_field& spec);

}  // namespace launcher::pod_reading
