#include "resolver/logic/authenticate.h"

#include "protocol/handle/proof.h"
#include "protocol/identifier.h"

namespace idnode {

ProofResult run_proof(const ProofTask& task) {
  handle::Challenge challenge;
  challenge.nonce = task.covered;
  challenge.version = task.version;
  handle::ProofLimits limits;
  limits.pbkdf2_iterations = task.pbkdf2_iterations;
  limits.allow_md5 = task.allow_md5;
  const bool by_key = same_type(task.type, "HS_PUBKEY");
  if (!by_key && !same_type(task.type, "HS_SECKEY")) return {};

  for (const ProofTask::Key& key : task.keys) {
    const handle::Proof proof =
        by_key ? handle::verify_public_key(challenge, task.proof, key.data, task.identity, limits)
               : handle::verify_secret(challenge, task.proof, key.data, limits);
    if (proof == handle::Proof::kValid) return {true, key.index};
  }
  return {};
}

}  // namespace idnode
