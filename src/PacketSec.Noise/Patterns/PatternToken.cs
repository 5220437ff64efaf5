namespace PacketSec.Noise;

/// <summary>The tokens of message patterns (Noise revision 34, sections 7 and 9). In a DH the initiator's key comes first.</summary>
public enum PatternToken
{
    /// <summary>The sender's ephemeral public key.</summary>
    E,

    /// <summary>The sender's static public key, encrypted once there is a key.</summary>
    S,

    /// <summary>DH of both ephemeral keys.</summary>
    EE,

    /// <summary>DH of the initiator's ephemeral and the responder's static key.</summary>
    ES,

    /// <summary>DH of the initiator's static and the responder's ephemeral key.</summary>
    SE,

    /// <summary>DH of both static keys.</summary>
    SS,

    /// <summary>A pre-shared symmetric key.</summary>
    Psk,
}
