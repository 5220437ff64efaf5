using PacketSec.Adversary.Parties;
using PacketSec.Crypto;
using PacketSec.Noise;

namespace PacketSec.Adversary.Tools;

/// <summary>A Noise handshake as it stood on the wire, and what is public about it.</summary>
internal sealed record NoiseView
{
    public required NoiseProtocol Protocol { get; init; }

    /// <summary>Gets the prologue under the assumption that the responder is a certain one.</summary>
    public required Func<Face?, byte[]> Prologue { get; init; }

    /// <summary>Gets the messages, the initiator's first.</summary>
    public required IReadOnlyList<byte[]> Messages { get; init; }

    /// <summary>Gets pre-shared keys that are no secret.</summary>
    public IReadOnlyList<byte[]> PreSharedKeys { get; init; } = [];
}

/// <summary>What somebody read of a handshake who was not meant to.</summary>
internal sealed class NoiseReading
{
    /// <summary>Gets the payloads and keys that stood in clear or could be decrypted.</summary>
    public List<byte[]> Plaintexts { get; } = [];

    /// <summary>Gets the payloads and keys that were encrypted, and could be decrypted.</summary>
    public List<byte[]> Decrypted { get; } = [];

    /// <summary>Gets the transport keys, the initiator's sending key first, when all messages could be read.</summary>
    public List<byte[]> TransportKeys { get; } = [];

    /// <summary>Gets the number of messages that were read whole.</summary>
    public int Messages { get; set; }
}

/// <summary>
/// Goes through a recorded handshake with the private keys that an adversary has and the public keys that he guesses, as far as every Diffie-Hellman on
/// the way can be computed. A tag that comes out right under a guess confirms the guess.
/// </summary>
internal sealed class NoiseReader(IEnumerable<X25519PrivateKey> secrets)
{
    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;

    private readonly X25519PrivateKey[] _secrets = [.. secrets];

    public NoiseReading Read(NoiseView view, Face? initiator, Face? responder)
    {
        var reading = new NoiseReading();
        using var state = SymmetricState.Initialize(Crypto, view.Protocol);
        var walk = new Walk(view, state, reading, this)
        {
            InitiatorStatic = view.Protocol.Pattern.InitiatorStaticIsKnown ? initiator?.X25519 : null,
            ResponderStatic = view.Protocol.Pattern.ResponderStaticIsKnown ? responder?.X25519 : null,
        };
        walk.Run(view.Prologue(responder));
        return reading;
    }

    private X25519PrivateKey? SecretOf(byte[]? publicKey)
        => publicKey is null ? null : Array.Find(_secrets, secret => secret.PublicKey.SequenceEqual(publicKey));

    private sealed class Walk(NoiseView view, SymmetricState state, NoiseReading reading, NoiseReader reader)
    {
        private int _preSharedKeys;

        public byte[]? InitiatorStatic { get; set; }

        public byte[]? ResponderStatic { get; set; }

        private byte[]? InitiatorEphemeral { get; set; }

        private byte[]? ResponderEphemeral { get; set; }

        public void Run(byte[] prologue)
        {
            var pattern = view.Protocol.Pattern;
            state.MixHash(prologue);
            if (!MixKnown(pattern.InitiatorStaticIsKnown, InitiatorStatic) || !MixKnown(pattern.ResponderStaticIsKnown, ResponderStatic))
            {
                return;
            }

            for (var i = 0; i < view.Messages.Count && i < pattern.Messages.Count; i++)
            {
                if (!ReadMessage(pattern.Messages[i], view.Messages[i]))
                {
                    return;
                }

                reading.Messages++;
            }

            if (reading.Messages == pattern.Messages.Count)
            {
                var (first, second) = (new byte[32], new byte[32]);
                state.Split(first, second);
                reading.TransportKeys.AddRange([first, second]);
            }
        }

        private bool MixKnown(bool isKnown, byte[]? key)
        {
            if (isKnown && key is not null)
            {
                state.MixHash(key);
            }

            return !isKnown || key is not null;
        }

        private bool ReadMessage(MessagePattern pattern, byte[] message)
        {
            var rest = message.AsSpan();
            foreach (var token in pattern.Tokens)
            {
                var done = token switch
                {
                    PatternToken.E => ReadEphemeral(pattern.FromInitiator, ref rest),
                    PatternToken.S => ReadStatic(pattern.FromInitiator, ref rest),
                    PatternToken.EE => Mix(InitiatorEphemeral, ResponderEphemeral),
                    PatternToken.ES => Mix(InitiatorEphemeral, ResponderStatic),
                    PatternToken.SE => Mix(InitiatorStatic, ResponderEphemeral),
                    PatternToken.SS => Mix(InitiatorStatic, ResponderStatic),
                    _ => MixPreShared(),
                };
                if (!done)
                {
                    return false;
                }
            }

            return ReadSealed(rest) is not null;
        }

        private bool ReadEphemeral(bool fromInitiator, ref Span<byte> rest)
        {
            if (rest.Length < 32)
            {
                return false;
            }

            var key = rest[..32].ToArray();
            rest = rest[32..];
            state.MixHash(key);
            if (view.Protocol.Pattern.PskCount > 0)
            {
                state.MixKey(key);
            }

            (InitiatorEphemeral, ResponderEphemeral) = fromInitiator ? (key, ResponderEphemeral) : (InitiatorEphemeral, key);
            return true;
        }

        private bool ReadStatic(bool fromInitiator, ref Span<byte> rest)
        {
            var size = state.HasKey ? 48 : 32;
            if (rest.Length < size || ReadSealed(rest[..size]) is not { } key)
            {
                return false;
            }

            rest = rest[size..];
            (InitiatorStatic, ResponderStatic) = fromInitiator ? (key, ResponderStatic) : (InitiatorStatic, key);
            return true;
        }

        private byte[]? ReadSealed(ReadOnlySpan<byte> ciphertext)
        {
            var isSealed = state.HasKey;
            if (isSealed && ciphertext.Length < AeadContext.TagSize)
            {
                return null;
            }

            var plaintext = new byte[ciphertext.Length - (isSealed ? AeadContext.TagSize : 0)];
            if (!state.TryDecryptAndHash(ciphertext, plaintext))
            {
                return null;
            }

            reading.Plaintexts.Add(plaintext);
            if (isSealed)
            {
                reading.Decrypted.Add(plaintext);
            }

            return plaintext;
        }

        private bool Mix(byte[]? one, byte[]? other)
        {
            if (one is null || other is null)
            {
                return false;
            }

            var shared = new byte[32];
            var done = reader.SecretOf(one)?.TryAgree(other, shared) ?? reader.SecretOf(other)?.TryAgree(one, shared) ?? false;
            if (done)
            {
                state.MixKey(shared);
            }

            return done;
        }

        private bool MixPreShared()
        {
            if (_preSharedKeys >= view.PreSharedKeys.Count)
            {
                return false;
            }

            state.MixKeyAndHash(view.PreSharedKeys[_preSharedKeys++]);
            return true;
        }
    }
}
