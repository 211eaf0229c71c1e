// How a binary convolution's dots become its values: in registers, or in the common epilogue.

#include "plan/plan.h"

namespace sbnn {
namespace {

// Whether the epilogue needs more than FinishDotsArgs has for activations other than maxout.
bool is_general(const FusedNode& node) {
  return node.activation == Activation::kMaxout || node.offset != kNone || node.shortcut.repeat;
}

bool can_finish_shortcut(const TensorLayout& shortcut, const KernelTable& kernels,
                         const NodePlan& plan) {
  const Shortcut& spec = plan.node->shortcut;
  if (shortcut.height != plan.height || shortcut.width != plan.width || spec.offset != 0) {
    return false;
  }
  if (spec.repeat) return shortcut.channels % kernels.word_lanes == 0;
  return shortcut.channels == plan.channels;
}

// Whether a binary convolution's epilogue may follow each vector of its dots, see FinishDotsArgs.
bool can_finish_dots(const std::vector<TensorLayout>& tensors, const KernelTable& kernels,
                     const NodePlan& plan) {
  const FusedNode& node = *plan.node;
  if (kernels.finish_dots == nullptr || plan.window_area > 1 || node.signs.size() > 1) return false;
  if (plan.wants_real) {
    if (plan.scale.empty()) return false;
    if (node.activation == Activation::kSigmoid || node.activation == Activation::kRelu) {
      return false;
    }
    if (node.activation == Activation::kHardtanh && is_general(node)) return false;
    if (!plan.signs.empty() && plan.signs[0].threshold.empty()) return false;
  }
  if (node.shortcut.tensor != kNone &&
      !can_finish_shortcut(tensors[static_cast<size_t>(node.shortcut.tensor)], kernels, plan)) {
    return false;
  }
  for (const SignOutput& output : node.signs) {
    if (tensors[static_cast<size_t>(output.tensor)].pixel_bytes * 8 != plan.channels) return false;
  }
  for (const Block& block : plan.blocks) {
    if (block.filters % kernels.word_lanes != 0) return false;
  }
  return true;
}

// A general epilogue as a maxout with an offset: v·1 is v, and so is v + -0.0, whatever v is.
void make_maxout(NodePlan* plan) {
  const auto fill = [&](AlignedArray<float>* constant, float value) {
    if (!constant->empty()) return;
    *constant = AlignedArray<float>(static_cast<size_t>(plan->channels));
    std::fill_n(constant->data(), plan->channels, value);
    plan->bytes += static_cast<int64_t>(constant->bytes());
  };
  fill(&plan->slope, 1.0f);
  fill(&plan->positive_slope, 1.0f);
  fill(&plan->offset, -0.0f);
  plan->finish = Activation::kMaxout;
}

}  // namespace

void plan_dots(const std::vector<TensorLayout>& tensors, const KernelTable& kernels,
               NodePlan* plan) {
  plan->finishes_dots = can_finish_dots(tensors, kernels, *plan);
  plan->finish = plan->node->activation;
  if (plan->finishes_dots && plan->wants_real && is_general(*plan->node)) make_maxout(plan);
}

}  // namespace sbnn
