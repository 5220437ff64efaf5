using PacketSec.Crypto;

namespace PacketSec.Noise;

/// <summary>The validity rules of sections 7.3 and 9.3, and the sizes that follow from a pattern.</summary>
internal static class PatternRules
{
    /// <summary>Returns what is wrong with a pattern, or null.</summary>
    public static string? FindViolation(PatternBody body)
    {
        var state = new State { InitiatorS = body.InitiatorStaticIsKnown, ResponderS = body.ResponderStaticIsKnown };
        var hasPsk = body.HasPsk;
        for (var i = 0; i < body.Messages.Count; i++)
        {
            var message = body.Messages[i];
            if (message.FromInitiator != (i % 2 == 0))
            {
                return "the messages alternate, and the first is the initiator's.";
            }

            foreach (var token in message.Tokens)
            {
                if (state.Apply(token, message.FromInitiator, hasPsk) is { } violation)
                {
                    return violation;
                }
            }

            if (state.HasKey && state.FindEncryptionFault(message.FromInitiator) is { } fault)
            {
                return fault;
            }
        }

        if (!state.HasKey)
        {
            return "it agrees on no key.";
        }

        // Transport messages: only the initiator sends them after a single message.
        return state.FindEncryptionFault(initiator: true) ?? (body.Messages.Count > 1 ? state.FindEncryptionFault(initiator: false) : null);
    }

    /// <summary>Returns for each message the bytes beyond its payload.</summary>
    public static int[] Overheads(PatternBody body)
    {
        var hasPsk = body.HasPsk;
        var hasKey = false;
        var overheads = new int[body.Messages.Count];
        for (var i = 0; i < overheads.Length; i++)
        {
            foreach (var token in body.Messages[i].Tokens)
            {
                overheads[i] += token switch
                {
                    PatternToken.E => X25519PrivateKey.Size,
                    PatternToken.S => X25519PrivateKey.Size + (hasKey ? AeadContext.TagSize : 0),
                    _ => 0,
                };
                hasKey |= SetsKey(token, hasPsk);
            }

            overheads[i] += hasKey ? AeadContext.TagSize : 0;
        }

        return overheads;
    }

    private static bool SetsKey(PatternToken token, bool hasPsk) => token switch
    {
        PatternToken.E => hasPsk,
        PatternToken.S => false,
        _ => true,
    };

    private struct State
    {
        public bool InitiatorS, ResponderS;
        private bool _initiatorE, _responderE;
        private bool _ee, _es, _se, _ss, _psk;

        public bool HasKey { get; private set; }

        public string? Apply(PatternToken token, bool initiator, bool hasPsk)
        {
            var violation = token switch
            {
                PatternToken.E => Send(ref initiator ? ref _initiatorE : ref _responderE, "ephemeral"),
                PatternToken.S => HasKey && FindEncryptionFault(initiator) is { } fault
                    ? fault
                    : Send(ref initiator ? ref InitiatorS : ref ResponderS, "static"),
                PatternToken.EE => Agree(ref _ee, _initiatorE, _responderE, "ee"),
                PatternToken.ES => Agree(ref _es, _initiatorE, ResponderS, "es"),
                PatternToken.SE => Agree(ref _se, InitiatorS, _responderE, "se"),
                PatternToken.SS => Agree(ref _ss, InitiatorS, ResponderS, "ss"),
                PatternToken.Psk => null,
            };
            _psk |= token == PatternToken.Psk;
            HasKey |= SetsKey(token, hasPsk);
            return violation;
        }

        /// <summary>Why a side may not encrypt now: its keys would repeat for lack of its own fresh ephemeral key.</summary>
        public readonly string? FindEncryptionFault(bool initiator)
        {
            var side = initiator ? "initiator" : "responder";
            if (initiator ? _se && !_ee : _es && !_ee)
            {
                return $"after {(initiator ? "se" : "es")} the {side} encrypts only if ee is done too.";
            }

            if (_ss && !(initiator ? _es : _se))
            {
                return $"after ss the {side} encrypts only if {(initiator ? "es" : "se")} is done too.";
            }

            return _psk && !(initiator ? _initiatorE : _responderE)
                ? $"after psk the {side} encrypts only if it has sent its ephemeral key."
                : null;
        }

        private static string? Send(ref bool sent, string key)
        {
            var again = sent;
            sent = true;
            return again ? $"a side sends its {key} key once." : null;
        }

        private static string? Agree(ref bool done, bool initiatorKey, bool responderKey, string token)
        {
            var again = done;
            done = true;
            return again ? $"{token} stands there twice."
                : initiatorKey && responderKey ? null
                : $"{token} needs keys that were not yet exchanged.";
        }
    }
}
