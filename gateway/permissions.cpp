#include "gateway/permissions.h"

#include <utility>

#include "auth/policy_file.h"

namespace gateway {
namespace {

auth::policy with_components(auth::policy file_policy, const std::vector<component_config>& components) {
    for (const auto& one : components)
        file_policy = file_policy.with_component(one.name, one.users, one.groups);
    return file_policy;
}

}  // namespace

auth::outcome<auth::policy> load_policy(const std::string& file,
                                        const std::vector<component_config>& components) {
    auth::policy from_file;
    if (!file.empty()) {
        auto read = auth::read_policy(file);
        if (!read) return read;
        from_file = std::move(*read);
    }
    return with_components(std::move(from_file), components);
}

permissions::permissions(std::string file, std::vector<component_config> components)
    : file_(std::move(file)),
      components_(std::move(components)),
      policy_(with_components({}, components_)) {}

auth::outcome<void> permissions::reload() {
    auto loaded = load_policy(file_, components_);
    if (!loaded) {
        error_ = loaded.error();
        return {boost::system::in_place_error, error_};
    }
    take(std::move(*loaded));
    return {};
}

void permissions::replace(const auth::policy& file_policy) {
    take(with_components(file_policy, components_));
}

void permissions::take(auth::policy with_components) {
    error_.clear();
    policy_ = std::move(with_components);
    ++generation_;
    // A listener may add another one, which then need not be told of this change.
    const std::size_t count = listeners_.size();
    for (std::size_t i = 0; i < count; ++i) listeners_[i]();
}

}  // namespace gateway
